"""A line of the history: all that the trend needs of a run's summary."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from perf.config.header import RunHeader
from perf.history.entry import Entry, Level, entries_of
from perf.report.document import document
from perf.report.result import CapacityResult, OfferedResult, ScenarioResult
from perf.report.run import RunResults
from perf.stats import Block, Pair, Verdict
from serving.errors import ConfigError
from tests.support.any_results import runs, untimed
from tests.support.results import BATCH, HEADER, LOCAL, SETTLED, UNREAD, rejudged, run_of

_STARTED = "2026-11-27T02:17:00+00:00"
_DATED = replace(HEADER, started=_STARTED, commit="c" * 40)
CAPACITY = CapacityResult(
    slo_ms=1000.0,
    share=0.99,
    rps=3.1,
    low_rps=3.0,
    high_rps=3.2,
    closed_rps=9.9,
    cliff=False,
    tiers_rps={},
    attained={},
)
OFFERED = OfferedResult(
    rate_rps=4.5,
    slo_ms=1000.0,
    goodput_rps=4.1,
    attainment=0.9,
    missed=0,
    response_ms={},
    service_ms={},
    lateness_ms={},
)


def pairs_of(figure: str, *rates: float) -> tuple[Pair, ...]:
    """Return a launch of one pair for each rate, at a pace of 1.1."""
    blocks = [Block(rps, 1.1, figure=figure) for rps in rates]
    return tuple(Pair(block, block, n) for n, block in enumerate(blocks))


def entries(*results: ScenarioResult, header: RunHeader = _DATED) -> list[Entry]:
    """Return the lines of a run with these results, from its JSON."""
    run = run_of(*results, header=header)
    return entries_of(json.loads(json.dumps(document(run))))


def test_a_run_has_a_line_for_each_scenario() -> None:
    """Each has what was measured, the verdict, and what may explain a change."""
    batch, local = entries(BATCH, LOCAL)
    assert (batch.scenario, local.scenario) == (BATCH.name, LOCAL.name)
    assert batch.at == _STARTED
    assert (batch.commit, batch.changed) == ("c" * 40, False)
    assert batch.verdict is Verdict.REGRESSED
    assert batch.launches == 2
    assert batch.baseline == "0001_resnet152.json"
    assert batch.about["torch"] == "2.13.0"
    assert not batch.disturbed


def test_the_level_is_throughput_over_pace() -> None:
    """It is the geometric mean of the launches, and its interval contains it."""
    (batch,) = entries(BATCH)
    assert batch.level is not None
    expected = ((4.7 / 1.1) * (4.8 / 1.1)) ** 0.5
    assert batch.level.estimate == pytest.approx(expected, rel=1e-5)
    assert batch.level.low < batch.level.estimate < batch.level.high
    assert batch.pace == pytest.approx(1.1)


def test_goodput_is_not_divided() -> None:
    """At a fixed rate a faster machine does no more, so there is no pace to divide by."""
    (found,) = entries(replace(BATCH, pairs=pairs_of("goodput", 4.0, 4.2), offered=OFFERED))
    assert found.figure == "goodput"
    assert found.pace is None
    assert found.level is not None
    assert found.level.estimate == pytest.approx((4.0 * 4.2) ** 0.5, rel=1e-5)
    assert found.throughput_rps == 4.1


def test_of_a_search_the_capacity_is_kept() -> None:
    """Not the throughput of its closed loops. It is divided by the pace, too."""
    searched = replace(BATCH, pairs=pairs_of("capacity", 3.0, 3.2), capacity=CAPACITY)
    (found,) = entries(searched)
    assert found.figure == "capacity"
    assert found.pace == pytest.approx(1.1)
    assert found.level is not None
    assert found.level.estimate == pytest.approx((3.0 * 3.2) ** 0.5 / 1.1, rel=1e-5)
    assert found.throughput_rps == 3.1
    unknown = replace(CAPACITY, rps=None, low_rps=None, high_rps=None)
    (without,) = entries(replace(searched, capacity=unknown))
    assert without.throughput_rps is None


def test_the_options_are_kept() -> None:
    """They are those that repeat the run; an older summary has none."""
    options = ("--perf-model", "/models/own model.pt", "--perf-total", "64")
    (found,) = entries(BATCH, header=replace(_DATED, model_options=options))
    assert found.options == options
    whole = document(run_of(BATCH, header=_DATED))
    del whole["options"]
    (older,) = entries_of(json.loads(json.dumps(whole)))
    assert older.options == ()


def test_the_card_is_what_computes() -> None:
    """Two cards are two machines, though the device is cuda for both."""
    header = replace(_DATED, device="cuda", machine={"card": "Some card"})
    (found,) = entries(BATCH, header=header)
    assert found.computer == "Some card"
    assert "Some card" in found.series
    (usual,) = entries(BATCH)
    assert usual.computer == "cpu"


@pytest.mark.parametrize(
    "changes",
    [
        {"pace": -1.0},
        {"pace": 0.0},
        {"pace": math.nan},
        {"throughput_rps": -1.0},
        {"throughput_rps": math.inf},
        {"level": {"estimate": 0.0, "low": 0.0, "high": 1.0}},
        {"level": {"estimate": 1.0, "low": -1.0, "high": 2.0}},
        {"level": {"estimate": math.nan, "low": 1.0, "high": 2.0}},
        {"level": {"estimate": 1.0, "low": 0.5, "high": math.inf}},
        {"level": {"estimate": 3.0, "low": 1.0, "high": 2.0}},
    ],
    ids=str,
)
def test_impossible_numbers_are_refused(changes: dict[str, Any]) -> None:
    """No logarithm is taken of what is not a number above zero."""
    (found,) = entries(BATCH)
    whole = {**json.loads(found.line()), **changes}
    with pytest.raises(ValidationError):
        Entry.model_validate_json(json.dumps(whole))
    assert Level(estimate=2.0, low=1.0, high=3.0).low == 1.0


def test_what_was_not_measured_has_no_level() -> None:
    """A scenario that died has a line all the same, and so has one without pace."""
    (unread,) = entries(UNREAD)
    assert unread.level is None
    assert unread.verdict is Verdict.NO_BASELINE
    without = tuple(replace(p, scenario=Block(p.scenario.rps)) for p in BATCH.pairs)
    (unpaced,) = entries(replace(BATCH, pairs=without))
    assert unpaced.level is None


def test_a_disturbed_machine_is_noted() -> None:
    """The line has it from the shares of the CPU, by the limits of the gate."""
    (seen,) = BATCH.conditions.values()
    busy = {"scenario": replace(seen, foreign_percent=40.0)}
    (found,) = entries(replace(BATCH, conditions=busy))
    assert found.disturbed


def test_a_disturbed_comparison_leaves_the_level_as_it_was() -> None:
    """What was settled side by side was measured on a quiet machine before."""
    (seen,) = BATCH.conditions.values()
    busy = {"scenario": replace(seen, foreign_percent=40.0)}
    (found,) = entries(replace(SETTLED, conditions=busy, disturbed=True))
    assert not found.disturbed
    assert found.level is not None


def test_it_does_not_matter_who_disturbed_it() -> None:
    """The share of a process may be unknown."""
    summary: Any = document(run_of(BATCH, header=_DATED))
    (row,) = summary["scenarios"]
    busy = {
        **row["conditions"]["scenario"],
        "foreign_percent": 50.0,
        "busiest": {"x": None},
    }
    row["conditions"] = {"scenario": busy}
    (found,) = entries_of(summary)
    assert found.disturbed


def test_uncommitted_changes_are_noted() -> None:
    """A commit of a tree with changes is known, but is not all that was measured."""
    (found,) = entries(BATCH, header=replace(_DATED, commit=f"{'c' * 40} with changes"))
    assert (found.commit, found.changed) == ("c" * 40, True)


def test_other_settings_are_seen() -> None:
    """A row that was changed has another digest."""
    first, second = entries(BATCH, replace(BATCH, spec={"workers": 2, "batch_size": 8}))
    assert first.about["settings"] != second.about["settings"]


def test_a_settled_verdict_counts() -> None:
    """It was compared side by side in the end, but measured as every night."""
    (found,) = entries(SETTLED)
    assert found.verdict is Verdict.UNCHANGED


def test_a_run_side_by_side_is_refused() -> None:
    """It compares two trees, and not this night with others."""
    beside = rejudged(BATCH, against="v1.4", before=None)
    with pytest.raises(ConfigError, match="side by side"):
        entries(beside)


@pytest.mark.parametrize(
    "summary",
    [[], {}, {"scenarios": [{}]}, {"scenarios": "none"}, "text", {"scenarios": [1]}],
)
def test_what_is_no_summary_is_refused(summary: Any) -> None:  # noqa: ANN401 -- any JSON
    """Any other JSON is a ConfigError of one line."""
    with pytest.raises(ConfigError, match=r"not a summary\.json"):
        entries_of(summary)


def test_a_summary_without_a_date_is_refused() -> None:
    """Older suites wrote none, and a history is in the order of time."""
    with pytest.raises(ConfigError, match=r"not a summary\.json with date"):
        entries(BATCH, header=replace(_DATED, started=""))


@untimed
@given(runs)
def test_a_line_is_read_as_it_was_written(run: RunResults) -> None:
    """Whatever was measured, the line is one line of strict JSON, and short."""
    dated = RunResults(replace(run.header, started=_STARTED), scenarios=run.scenarios)
    if any(one.judgement.against and not one.judgement.before for one in run.scenarios):
        return
    for found in entries_of(json.loads(json.dumps(document(dated)))):
        line = found.line()
        assert "\n" not in line
        assert Entry.model_validate_json(line) == found
        assert json.loads(line, parse_constant=pytest.fail)["format"] == 1


@pytest.mark.parametrize(
    ("spec", "figure"),
    [
        ({}, "throughput"),
        ({"slo_ms": 500.0}, "capacity"),
        ({"slo_ms": 500.0, "rate_rps": 6.0}, "goodput"),
    ],
)
def test_a_night_that_measured_nothing_joins_its_series(
    spec: dict[str, float], figure: str
) -> None:
    """What a row is judged by does not depend on whether it was measured."""
    failed = replace(BATCH, pairs=(), spec={**BATCH.spec, **spec})
    (found,) = entries_of(document(run_of(failed, header=_DATED)))
    assert found.figure == figure
