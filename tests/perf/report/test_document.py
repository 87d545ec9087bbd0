"""The run as one JSON object."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from perf.report.document import document
from perf.stats import Verdict
from tests.support.results import (
    BATCH,
    HEADER,
    LIMITED,
    LOCAL,
    SETTLED,
    UNREAD,
    run_of,
)


def rows(*results: Any) -> list[Any]:  # noqa: ANN401 -- results
    """Return what is written of the scenarios, after strict JSON."""
    written = json.loads(json.dumps(document(run_of(*results)), allow_nan=False))
    found: list[Any] = written["scenarios"]
    return found


def test_it_holds_what_the_verdict_rests_on() -> None:
    """Change, yardstick, smallest detectable loss and differences are there, or null."""
    batch, unread, local = rows(BATCH, UNREAD, LOCAL)
    assert batch["change"] == {
        "estimate": 0.802,
        "low": 0.772,
        "high": 0.835,
        "confidence": 0.995,
    }
    assert batch["smallest_seen"] == 0.0412
    assert [one["quantity"] for one in batch["quantities"]] == ["throughput", "memory"]
    assert batch["quantities"][0] == {
        "quantity": "throughput",
        "change": batch["change"],
        "tolerance": 0.1,
        "verdict": "regressed",
    }
    assert batch["yardstick_rps"] == pytest.approx(7.6, rel=1e-3)
    assert batch["efficiency"] == pytest.approx(0.625)
    assert batch["differences"] == ["kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"]
    assert batch["null_control"] is None
    assert (unread["change"], unread["efficiency"]) == (None, None)
    assert (unread["quantities"], unread["differences"]) == ([], [])
    assert local["null_control"] == local["ratio"]


def test_it_holds_every_pair() -> None:
    """A pair is written with both blocks, its launch and its yardstick or null."""
    lone = replace(BATCH.pairs[1], yardstick_rps=None)
    (row,) = rows(replace(BATCH, pairs=(BATCH.pairs[0], lone), against_pairs=(lone,)))
    unread = {
        "figure": "throughput",
        "memory_kind": "pss",
        **dict.fromkeys(("cpu_ms", "memory_bytes", "p99_ms")),
    }
    theirs = {"rps": 1.8, "pace": 1.0, **unread}
    assert row["pairs"][0] == {
        "scenario": {"rps": 4.7, "pace": 1.1, **unread},
        "reference": {"rps": 1.9, "pace": 1.0, **unread},
        "launch": 0,
        "yardstick_rps": 7.52,
    }
    assert row["pairs"][1]["reference"] == theirs
    assert row["pairs"][1]["yardstick_rps"] is None
    assert row["against_pairs"] == row["pairs"][1:]


def test_it_holds_what_the_baseline_alone_said() -> None:
    """Where a run side by side counts, the other tree is named, and both are there."""
    settled, batch = rows(SETTLED, BATCH)
    assert settled["against"] == "the baseline's commit 383fe61f7988"
    assert settled["verdict"] == "unchanged"
    assert settled["before"] == {
        "verdict": "regressed",
        "change": batch["change"],
        "quantities": batch["quantities"],
    }
    assert (batch["against"], batch["before"]) == (None, None)
    assert (settled["turn_s"], batch["turn_s"]) == (0.5, None)


def test_it_holds_what_the_machine_did() -> None:
    """CPU is in per cent of all usable cores; the harness has its share of it."""
    (row,) = rows(replace(BATCH, pace_cpu_percent=0.6, replaced=("the host stole 9 %",)))
    assert (row["pace_cpu_percent"], row["replaced"]) == (0.6, ["the host stole 9 %"])
    assert row["cpu_percent"] == {"mean": 91.6, "max": 99.8}
    assert row["harness_cpu_percent"] == pytest.approx(100 * 1.46 / (58.0 * 2.0))
    assert row["conditions"]["scenario"]["foreign_percent"] == 1.2
    assert row["conditions"]["scenario"]["busiest"] == {"cc (812)": 0.9}


def test_what_was_not_measured_is_null() -> None:
    """Without blocks there is no throughput, and no latency or share of the CPU."""
    (row,) = rows(UNREAD)
    assert row["throughput_rps"] is None
    assert row["latency_ms"] == dict.fromkeys(("p50", "p90", "p95", "p99"))
    assert row["harness_cpu_percent"] is None


def test_a_spec_of_any_values_becomes_json() -> None:
    """Tuples become lists; what JSON cannot hold becomes text or null."""
    spec = {"threads": (1, 2), "delay_ms": math.inf, "verdict": Verdict.INVALID, "z": 1j}
    (row,) = rows(replace(BATCH, spec=spec))
    assert row["spec"] == {
        "threads": [1, 2],
        "delay_ms": None,
        "verdict": "invalid",
        "z": "1j",
    }


def test_it_holds_the_whole_latency_and_where_the_time_goes() -> None:
    """Quantiles have four digits; the parts and idle are all that the cores had."""
    batch, limited, unread = rows(BATCH, LIMITED, UNREAD)
    quantiles_ms = batch["latency_quantiles_ms"]
    assert (len(quantiles_ms), quantiles_ms[0], quantiles_ms[-1]) == (101, 4802.0, 5220.0)
    assert batch["core_ms"]["server"] == pytest.approx(1e3 * 104.0 / 275)
    assert sum(batch["core_ms"].values()) == pytest.approx(1e3 * 58.0 * 2.0 / 275)
    again = rows(replace(BATCH, usage_images=550, replaced=("busy",)))[0]
    assert again["core_ms"]["server"] == pytest.approx(1e3 * 104.0 / 550)
    assert limited["core_ms"] == limited["limits"]["core_ms"]
    assert (unread["latency_quantiles_ms"], unread["core_ms"]) == ([], {})


def test_it_says_when_of_which_commit_and_what_was_planned() -> None:
    """A history of runs needs all three, and an interrupted run the last."""
    header = replace(
        HEADER,
        started="2026-11-27T07:33:00+00:00",
        commit="383fe61f7988 with changes",
        scenarios=("serving-batch", "serving-single"),
    )
    written: Any = json.loads(json.dumps(document(run_of(BATCH, header=header))))
    assert written["started"] == "2026-11-27T07:33:00+00:00"
    assert written["commit"] == "383fe61f7988 with changes"
    assert written["planned"] == ["serving-batch", "serving-single"]


def test_numbers_have_the_digits_that_can_mean_something() -> None:
    """Bytes are exact; few digits of the others keep a file of many pairs small."""
    block = replace(BATCH.pairs[0].scenario, rps=10 / 3, memory_bytes=1_429_438_464.0)
    (row,) = rows(replace(BATCH, pairs=(replace(BATCH.pairs[0], scenario=block),)))
    assert row["pairs"][0]["scenario"]["rps"] == 3.333333
    assert row["pairs"][0]["scenario"]["memory_bytes"] == 1_429_438_464
