"""From lines to series: grouped, scaled, searched for changes, with what explains them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.history.entry import Entry
from perf.history.series import series_of
from perf.report.trend.history import TrendSeries
from perf.stats import Verdict
from tests.support.any_results import untimed
from tests.support.histories import entry, nights, no_commits, two_commits


def only(entries: list[Entry]) -> TrendSeries:
    """Return the only series of these lines."""
    (found,) = series_of(entries, two_commits)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"machine_class": "other"},
        {"runtime": "docker"},
        {"device": "cuda"},
        {"profile": "smoke"},
        {"model": "resnet18 (seeded weights)"},
        {"scenario": "serving-single"},
        {"figure": "capacity"},
        {"options": ("--perf-total", "64")},
        {"about": {"card": "another card"}},
        {"about": {"CPU": "another CPU"}},
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_apart(changes: dict[str, Any]) -> None:
    """Each such difference makes another series."""
    found = series_of([entry(1), entry(2, **changes), entry(3)], no_commits)
    assert [len(series.runs) for series in found] == [2, 1]
    assert len({(series.name, series.figure, series.about) for series in found}) == 2


def test_a_loss_is_found_with_what_lies_around_it() -> None:
    """Its place, its size, and the commits from three runs before it to three after it."""
    series = only(nights(40, losses=[(25, 0.06)]))
    (one,) = series.shifts
    assert (one.good, one.place, one.bad) == (22, 25, 27)
    assert one.change.low < 0.94 < one.change.high
    assert one.commits == two_commits(f"{22:040x}", f"{27:040x}")
    assert f"{27:040x} {22:040x}" in one.command
    assert series.levels[24] == pytest.approx(12.0, rel=0.01)
    assert series.levels[25] == pytest.approx(12.0 * 0.94, rel=0.01)


def test_all_runs_around_a_change_are_looked_at() -> None:
    """Also those that do not count: if any has another commit, it may be the code."""

    def change(night: int) -> dict[str, object]:
        same: dict[str, object] = {"commit": "a" * 40}
        return {"disturbed": True} if night == 24 else same

    series = only(nights(40, losses=[(25, 0.06)], change=change))
    (one,) = series.shifts
    assert (one.good, one.place, one.bad) == (21, 25, 27)
    assert "others between them have not" in one.why_no_command


def test_the_interval_is_that_of_the_figure() -> None:
    """Runs of a search for the capacity differ more, so its interval is wider."""
    widths = []
    for figure in ("throughput", "capacity"):
        lines = nights(12, losses=[(6, 0.2)])
        of = [line.model_copy(update={"figure": figure}) for line in lines]
        (one,) = only(of).shifts
        widths.append(math.log(one.change.high / one.change.low))
    assert widths[1] > 1.2 * widths[0]


def test_a_quiet_history_has_no_change() -> None:
    """Unchanged code has one level."""
    series = only(nights(40))
    assert series.shifts == []
    assert len(set(series.levels)) == 1


def test_levels_are_at_the_mean_pace() -> None:
    """A reader sees images a second, and a machine that is faster changes nothing."""
    paces = [0.4, 0.5, 0.625] * 8
    series = only(nights(24, change=lambda night: {"pace": paces[night]}, sd=0.0))
    for run in series.runs:
        assert run.level is not None
        assert run.level.point == pytest.approx(12.0)


@pytest.mark.parametrize(
    "changes", [{"verdict": Verdict.INVALID}, {"disturbed": True}, {"level": None}]
)
def test_bad_runs_are_shown_but_not_searched(changes: dict[str, object]) -> None:
    """Ten of them, however low, are no change; a loss after them is found in its place."""

    def change(night: int) -> dict[str, object]:
        low = entry(night, 6.0).level
        return {"level": low, **changes} if 10 <= night < 20 else {}

    series = only(nights(50, losses=[(35, 0.06)], change=change))
    assert len(series.runs) == 50
    assert [run.counts for run in series.runs[8:12]] == [True, True, False, False]
    assert [(one.good, one.place, one.bad) for one in series.shifts] == [(32, 35, 37)]


def test_what_is_new_is_told_where_it_began() -> None:
    """Versions, kernel and settings are named in their run; a baseline is no news."""

    def change(night: int) -> dict[str, object]:
        about = {"torch": "2.15" if night >= 3 else "2.14", "kernel": "6.1"}
        return {"about": about, "baseline": "0007.json" if night >= 5 else "0006.json"}

    series = only(nights(8, change=change))
    told = {n: list(run.news) for n, run in enumerate(series.runs) if run.news}
    assert told == {3: ["torch 2.14 -> 2.15"]}
    assert [run.baseline for run in series.runs[4:6]] == ["0006.json", "0007.json"]


def test_only_the_newest_runs_are_shown() -> None:
    """The others are counted."""
    (series,) = series_of(nights(30), no_commits, most=20)
    assert len(series.runs) == 20
    assert series.left_out == 10
    assert series.runs[-1].commit == f"{29:040x}"


def test_the_same_history_has_the_same_changes() -> None:
    """The permutations are drawn with a seed, so a page can be made again."""
    lines = nights(60, losses=[(20, 0.02), (40, 0.02)], sd=0.01)
    assert series_of(lines, no_commits) == series_of(lines, no_commits)


@untimed
@given(st.lists(st.tuples(st.floats(1.0, 20.0), st.booleans(), st.booleans()), max_size=30))
def test_any_history_can_be_drawn(seen: list[tuple[float, bool, bool]]) -> None:
    """Levels are those of the parts between changes, and changes are between good runs."""
    lines = [
        entry(n, rps, disturbed=disturbed, **({"level": None} if missing else {}))
        for n, (rps, disturbed, missing) in enumerate(seen)
    ]
    for series in series_of(lines, no_commits):
        assert len(series.levels) == len(series.runs) == len(lines)
        edges = [0, *(one.place for one in series.shifts), len(lines)]
        assert edges == sorted(set(edges))
        for start, end in itertools.pairwise(edges):
            counted = [run.level for run in series.runs[start:end] if run.counts]
            mean = [math.log(level.point) for level in counted if level]
            for level in filter(None, series.levels[start:end]):
                assert math.log(level) == pytest.approx(sum(mean) / len(mean), abs=1e-6)
