"""The schema of summary.json: up to date, complete, and strict."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from perf.report.document import document
from perf.report.formats.json_file import JsonFile
from perf.report.run import RunResults
from perf.report.schema import PATH, as_written, schema
from perf.stats import Verdict
from tests.support.any_results import runs, untimed
from tests.support.results import BATCH, LIMITED, LOCAL, SETTLED, UNREAD, run_of


def validator() -> Draft202012Validator:
    """Return a validator of summaries, after a check of the schema itself."""
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


def summary() -> dict[str, object]:
    """Return a summary as its reader gets it, after strict JSON."""
    read: dict[str, object] = json.loads(
        JsonFile().render(run_of(BATCH, UNREAD, LOCAL, LIMITED, SETTLED))
    )
    return read


def at(tree: object, path: str) -> dict[str, object]:
    """Return the object at a dotted path, such as "scenarios.0.ratio"."""
    for step in filter(None, path.split(".")):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]  # type: ignore[index]  # -- a tree of JSON
    assert isinstance(tree, dict)
    return tree


def undescribed(data: Any, of: dict[str, Any], root: dict[str, Any]) -> list[str]:  # noqa: ANN401 -- JSON
    """Return the keys in `data` that the schema `of` does not describe, at any depth."""
    while "$ref" in of:
        of = root["$defs"][str(of["$ref"]).rsplit("/", 1)[1]]
    if isinstance(data, list):
        return [key for item in data for key in undescribed(item, of["items"], root)]
    known = of.get("properties")
    if not isinstance(data, dict) or known is None:
        return []
    return [key for key in data if key not in known] + [
        inner
        for key, value in data.items()
        if key in known
        for inner in undescribed(value, known[key], root)
    ]


def test_the_written_schema_is_up_to_date() -> None:
    """The file that users read is what the figures make of it."""
    assert PATH.read_text("utf-8") == as_written(), (
        "the figures have changed: run `python -m perf.report.schema`"
    )


@untimed
@given(runs)
def test_every_summary_is_strict_json_and_keeps_the_schema(run: RunResults) -> None:
    """Whatever was measured or not, the summary is strict JSON that the schema allows."""
    validator().validate(json.loads(JsonFile().render(run)))


def test_schema_describes_every_key_that_is_written() -> None:
    """No key is written that the schema does not describe."""
    assert undescribed(summary(), schema(), schema()) == []


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("", "schema_version profile runtime runtime_reason machine_class seed"),
        ("", "model machine versions harness scenarios"),
        ("harness", "ceiling_rps cpu_ms_per_job jobs"),
        ("scenarios.0", "name spec jobs duration_s throughput_rps ratio baseline_ratio"),
        ("scenarios.0", "baseline_file change smallest_seen differences null_control"),
        ("scenarios.0", "yardstick_rps efficiency agreement tolerance verdict reason"),
        ("scenarios.0", "latency_ms requests cpu_percent memory_bytes"),
        ("scenarios.0", "harness_cpu_percent pairs limits"),
        ("scenarios.0.ratio", "estimate low high confidence"),
        ("scenarios.2.null_control", "estimate low high confidence"),
        ("scenarios.0.latency_ms", "p50 p90 p95 p99"),
        ("scenarios.0.requests", "total failed wrong"),
        ("scenarios.0.cpu_percent", "mean max"),
        ("scenarios.0.memory_bytes", "peak_pss peak_bytes kind"),
        ("scenarios.3.limits", "own layouts_rps core_ms latency_ms queue_ms"),
        ("scenarios.0.pairs.0", "scenario reference launch"),
        ("scenarios.0.pairs.0.scenario", "rps"),
        ("scenarios.0.quantities.0", "quantity change tolerance verdict"),
        ("scenarios.4.before", "verdict change quantities"),
    ],
)
def test_schema_refuses_a_summary_without_a_promised_key(path: str, keys: str) -> None:
    """Readers were promised these keys, so each is written and none may go missing."""
    for key in keys.split():
        broken = copy.deepcopy(summary())
        del at(broken, path)[key]
        assert [error.message for error in validator().iter_errors(broken)] == [
            f"{key!r} is a required property"
        ]


def test_keys_that_joined_later_are_not_required() -> None:
    """A summary of an earlier version still keeps to the schema."""
    older = summary()
    del older["device"]
    joined = ("conditions", "quantities", "against", "before", "against_pairs", "replaced")
    for place in range(5):
        for key in (*joined, "pace_cpu_percent"):
            del at(older, f"scenarios.{place}")[key]
    del at(older, "scenarios.0.pairs.0")["yardstick_rps"]
    validator().validate(older)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("", "schema_version", 1),
        ("", "seed", "7"),
        ("scenarios.0", "verdict", "fine"),
        ("scenarios.0", "quantities", ["throughput"]),
        ("scenarios.0.quantities.0", "verdict", "fine"),
        ("scenarios.0", "against", 7),
        ("scenarios.0", "replaced", "the host stole"),
        ("scenarios.4.before", "verdict", "fine"),
        ("scenarios.0.pairs.0.scenario", "rps", 0),
        ("scenarios.0.pairs.0.scenario", "pace", -1.0),
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


def test_schema_knows_exactly_the_verdicts_of_the_statistics() -> None:
    """The schema's list of verdicts is the list that the statistics can give."""
    verdict = at(schema(), "$defs.scenario.properties.verdict")
    assert verdict["enum"] == [member.value for member in Verdict]


@pytest.mark.parametrize("kind", ["rss", "cgroup"])
def test_a_peak_that_is_not_pss_is_never_given_as_pss(kind: str) -> None:
    """Where PSS cannot be read, peak_pss is null; peak_bytes and kind are given."""
    usage = replace(BATCH.usage, memory_kind=kind)
    written = document(run_of(replace(BATCH, usage=usage)))
    memory = at(written, "scenarios.0.memory_bytes")
    assert memory == {"peak_pss": None, "peak_bytes": 1_300_000_000, "kind": kind}
    validator().validate(written)
    memory["peak_pss"] = 1_300_000_000
    assert not validator().is_valid(written)
