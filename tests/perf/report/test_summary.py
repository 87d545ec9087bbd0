"""The summary: one set of results as JSON, and the schema that it keeps to."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from perf.report.summary import load_schema, summarise
from perf.stats import Verdict
from tests.support.results import (
    BATCH,
    HARNESS,
    HEADER,
    LIMITED,
    LOCAL,
    UNREAD,
    Run,
    runs,
    untimed,
)


def validator() -> Draft202012Validator:
    """Return a validator of summaries, after a check of the schema itself."""
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def summary() -> dict[str, object]:
    """Return a summary as its reader gets it, after strict JSON."""
    results = [BATCH, UNREAD, LOCAL, LIMITED]
    written = json.dumps(summarise(HEADER, results, HARNESS), allow_nan=False)
    read: dict[str, object] = json.loads(written)
    return read


def at(tree: object, path: str) -> dict[str, object]:
    """Return the object at a dotted path, such as "scenarios.0.ratio"."""
    for step in filter(None, path.split(".")):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]  # type: ignore[index]
    assert isinstance(tree, dict)
    return tree


def undescribed(
    data: object, schema: dict[str, object], root: dict[str, object]
) -> list[str]:
    """Return the keys in `data` that `schema` does not describe, at any depth."""
    while "$ref" in schema:
        schema = root["$defs"][str(schema["$ref"]).rsplit("/", 1)[1]]  # type: ignore[index]
    if isinstance(data, list):
        items = schema["items"]
        return [key for item in data for key in undescribed(item, items, root)]  # type: ignore[arg-type]
    known = schema.get("properties")
    if not isinstance(data, dict) or known is None:
        return []
    assert isinstance(known, dict)
    return [key for key in data if key not in known] + [
        inner
        for key, value in data.items()
        if key in known
        for inner in undescribed(value, known[key], root)
    ]


@untimed
@given(runs)
def test_every_summary_is_strict_json_and_keeps_the_schema(run: Run) -> None:
    """Whatever was measured or not, the summary is strict JSON that the schema allows."""
    written = json.dumps(summarise(*run), allow_nan=False)
    validator().validate(json.loads(written))


def test_schema_describes_every_key_that_is_written() -> None:
    """A new key joins the schema too, so that the file has no undocumented corner."""
    schema = load_schema()
    assert undescribed(summary(), schema, schema) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        *(
            ("", key)
            for key in (
                "schema_version",
                "profile",
                "runtime",
                "machine_class",
                "seed",
                "scenarios",
            )
        ),
        *(
            ("scenarios.0", key)
            for key in (
                "name",
                "spec",
                "throughput_rps",
                "ratio",
                "baseline_ratio",
                "change",
                "smallest_seen",
                "differences",
                "null_control",
                "yardstick_rps",
                "verdict",
                "latency_ms",
                "requests",
                "cpu_percent",
                "memory_bytes",
                "pairs",
                "limits",
            )
        ),
        *(("scenarios.0.ratio", key) for key in ("estimate", "low", "high", "confidence")),
        *(("scenarios.2.null_control", key) for key in ("estimate", "low", "high")),
        *(("scenarios.0.latency_ms", key) for key in ("p50", "p90", "p95", "p99")),
        *(("scenarios.0.requests", key) for key in ("total", "failed", "wrong")),
        *(("scenarios.0.cpu_percent", key) for key in ("mean", "max")),
        ("scenarios.0.memory_bytes", "peak_pss"),
        *(("scenarios.3.limits", key) for key in ("own", "layouts_rps", "core_ms")),
        *(
            ("scenarios.0.pairs.0", key)
            for key in ("scenario_rps", "reference_rps", "launch")
        ),
    ],
)
def test_schema_refuses_a_summary_without_a_promised_key(path: str, key: str) -> None:
    """A key that readers were promised cannot go missing unnoticed."""
    broken = copy.deepcopy(summary())
    del at(broken, path)[key]
    assert [error.message for error in validator().iter_errors(broken)] == [
        f"{key!r} is a required property"
    ]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("", "schema_version", 2),
        ("", "seed", "7"),
        ("scenarios.0", "verdict", "fine"),
        ("scenarios.0", "throughput_rps", "4.7"),
        ("scenarios.0.requests", "failed", -1),
        ("scenarios.0.memory_bytes", "kind", "guess"),
        ("scenarios.0.ratio", "confidence", 95),
        ("scenarios.0", "smallest_seen", "4.1 %"),
        ("scenarios.0", "smallest_seen", -0.04),
        ("scenarios.0", "differences", "torch 2.13.0 -> 2.14.1"),
        ("scenarios.0", "differences", [2.13]),
        ("scenarios.0", "null_control", 0.967),
        ("scenarios.0", "yardstick_rps", "7.53"),
        ("scenarios.0.pairs.0", "yardstick_rps", 0),
    ],
)
def test_schema_refuses_a_value_of_another_kind(path: str, key: str, value: object) -> None:
    """An unknown verdict, a number as text, a count below 0: each is refused."""
    broken = copy.deepcopy(summary())
    assert validator().is_valid(broken)
    at(broken, path)[key] = value
    assert not validator().is_valid(broken)


def test_summary_holds_what_the_verdict_rests_on() -> None:
    """Yardstick, what would have been seen and what differs are there, or null."""
    read = summary()
    batch, unread, local = (at(read, f"scenarios.{n}") for n in range(3))
    assert at(batch, "change")["confidence"] == 0.995
    assert (batch["smallest_seen"], batch["yardstick_rps"]) == (0.0412, 7.53)
    assert batch["differences"] == ["kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"]
    assert batch["null_control"] is None
    assert batch["pairs"] == [
        {
            "scenario_rps": 4.7,
            "reference_rps": 1.9,
            "launch": 0,
            "yardstick_rps": 7.53,
        },
        {
            "scenario_rps": 4.8,
            "reference_rps": 1.8,
            "launch": 1,
            "yardstick_rps": None,
        },
    ]
    assert (unread["smallest_seen"], unread["yardstick_rps"]) == (None, None)
    assert unread["differences"] == []
    assert local["null_control"] == {
        "estimate": 0.967,
        "low": 0.946,
        "high": 0.99,
        "confidence": 0.95,
    }


def test_schema_knows_exactly_the_verdicts_of_the_statistics() -> None:
    """The schema's list of verdicts is the list that the statistics can give."""
    verdict = at(load_schema(), "$defs.scenario.properties.verdict")
    assert verdict["enum"] == [member.value for member in Verdict]


@pytest.mark.parametrize("kind", ["rss", "cgroup"])
def test_a_peak_that_is_not_pss_is_never_given_as_pss(kind: str) -> None:
    """Where PSS cannot be read, peak_pss is null; peak_bytes and kind tell what was."""
    summarised = summarise(HEADER, [replace(BATCH, memory_kind=kind)], None)
    memory = at(summarised, "scenarios.0.memory_bytes")
    assert memory == {"peak_pss": None, "peak_bytes": 1_300_000_000, "kind": kind}
    validator().validate(summarised)
    memory["peak_pss"] = 1_300_000_000
    assert not validator().is_valid(summarised)


def test_a_spec_of_any_values_becomes_json() -> None:
    """Tuples become lists, what JSON cannot hold becomes text or null."""
    spec = {"threads": (1, 2), "delay_ms": math.inf, "verdict": Verdict.INVALID, "z": 1j}
    summarised = summarise(HEADER, [replace(BATCH, spec=spec)], None)
    assert at(summarised, "scenarios.0.spec") == {
        "threads": [1, 2],
        "delay_ms": None,
        "verdict": "invalid",
        "z": "1j",
    }
