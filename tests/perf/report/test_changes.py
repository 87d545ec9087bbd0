"""What a plot of changes shows of a scenario."""

from __future__ import annotations

from perf.report.changes import shown, verdict_on
from perf.stats import Verdict
from tests.support.results import HEAVIER, rejudged


def test_what_regressed_has_a_row_of_its_own() -> None:
    """The first quantity is always shown."""
    names = [one.quantity for one in shown(HEAVIER.judgement)]
    assert names == ["throughput", "memory"]


def test_a_verdict_with_a_reason_calls_nothing_regressed() -> None:
    """A disturbed machine says nothing of any quantity."""
    disturbed = rejudged(
        HEAVIER, verdict=Verdict.INCONCLUSIVE, reason="the machine was disturbed"
    ).judgement
    assert [one.quantity for one in shown(disturbed)] == ["throughput"]
    for one in disturbed.quantities:
        assert verdict_on(one, disturbed) is Verdict.INCONCLUSIVE
        assert verdict_on(one, HEAVIER.judgement) is one.verdict
