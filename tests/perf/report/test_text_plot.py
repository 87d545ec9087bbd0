"""The plot of changes in characters: its rows, its axis, and what it cannot show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.report.result import ScenarioResult
from perf.report.text_plot import change_lines
from perf.stats import Verdict
from tests.support.any_results import scenarios, untimed
from tests.support.results import BATCH, HEAVIER, LOCAL, UNREAD, judged, rejudged


def moved(point: float, low: float, high: float) -> ScenarioResult:
    """Return a scenario with this change of throughput, and a tolerance of 10 %."""
    change = judged(point, low, high, Verdict.INCONCLUSIVE)
    return rejudged(BATCH, quantities=(change,))


def test_each_change_has_a_row_above_one_axis() -> None:
    """What is slower lies left of the line, and what is unchanged lies on it."""
    assert change_lines([BATCH, LOCAL]) == [
        "serving-batch   ├──●──┤      ░░░░░░░░░░│░░░░░░░░░░░",
        "decentralized                ░░░░░░░░├─┼●──┤░░░░░░░",
        "               ────┴───────────────────┴───────────────────┴────",
        "                 -20 %                0 %                +20 %",
    ]


def test_what_else_is_worse_has_a_row_of_its_own() -> None:
    """Its name says which quantity it is."""
    first, second, *_ = change_lines([HEAVIER])
    assert first.startswith("serving-batch  ")
    assert second.startswith("serving-batch, memory  ")
    assert second.index("●") > first.index("●")


def test_nothing_compared_is_no_plot() -> None:
    """An axis without a row would say that nothing changed."""
    assert change_lines([]) == []
    assert change_lines([UNREAD]) == []


def test_an_interval_that_goes_on_ends_in_an_arrow() -> None:
    """The plot is as wide as ever, and the other rows stay visible."""
    wide = replace(moved(1.0, 0.2, 9e9), name="wide")
    batch, row, *_ = change_lines([BATCH, wide])
    assert row.startswith("wide           ◄")
    assert row.endswith("►")
    assert "├" in batch


def test_an_interval_of_one_character_is_a_point() -> None:
    """The point covers what would lie on the same character."""
    row, *_ = change_lines([moved(1.0, 0.9999, 1.0001)])
    assert row.count("●") == 1
    assert not set("├┤") & set(row)


def test_a_long_name_is_cut() -> None:
    """The plot must fit beside it."""
    row, *_ = change_lines([replace(BATCH, name="n" * 80)])
    assert row.startswith("n" * 31 + "…  ")


@pytest.mark.parametrize("name", ["a\nb", "a`b", "<b>"])
def test_a_name_stays_on_its_line(name: str) -> None:
    """A name of any characters takes one line."""
    assert len(change_lines([replace(BATCH, name=name)])) == 3


@untimed
@given(st.lists(scenarios, max_size=4))
def test_any_changes_fit(results: list[ScenarioResult]) -> None:
    """A line has at most 49 characters beside the longest name; each row has a point."""
    lines = change_lines(results)
    if not any(one.judgement.quantities for one in results):
        assert lines == []
        return
    *rows, axis, labels = lines
    assert all(row.count("●") >= 1 for row in rows)
    assert max(map(len, lines)) <= 32 + 2 + 49
    assert axis.strip("─┴ ") == ""
    assert labels.strip()
