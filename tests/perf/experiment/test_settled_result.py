"""The result of a scenario that was settled has what could spoil either measurement."""

from __future__ import annotations

from dataclasses import replace

from perf.experiment.settled_result import settled_result
from perf.judge.validity import Shares
from perf.report.result import Requests
from tests.support.results import BATCH

CALM = Shares(
    stolen_percent=0.1, foreign_percent=1.0, throttled_percent=0.0, idle_arm_percent=0.2
)
BUSY = Shares(
    stolen_percent=0.0,
    foreign_percent=6.2,
    throttled_percent=0.5,
    idle_arm_percent=0.1,
    busiest={"cc (812)": 6.0},
)
BEFORE = replace(BATCH, conditions={"scenario": CALM}, replaced=("once",))
BESIDE = replace(
    BATCH,
    conditions={"scenario": BUSY, "reference": CALM},
    disturbed=True,
    replaced=("twice",),
    requests=Requests(total=10, failed=1, wrong=2, missed=3),
    judgement=replace(BATCH.judgement, reason="the machine was disturbed"),
)


def test_what_spoiled_the_comparison_is_in_the_result() -> None:
    """Failed requests, replaced pairs and the busier machine are those of both."""
    found = settled_result(BEFORE, BESIDE)
    assert found.requests == Requests(total=250, failed=1, wrong=2, missed=3)
    assert found.replaced == ("once", "twice")
    assert found.disturbed
    assert found.conditions["reference"] == CALM
    assert found.conditions["scenario"] == Shares(
        stolen_percent=0.1,
        foreign_percent=6.2,
        throttled_percent=0.5,
        idle_arm_percent=0.2,
        busiest={"cc (812)": 6.0},
    )


def test_the_comparison_gives_the_verdict_and_not_the_figures() -> None:
    """Throughput and ratio are those since the baseline; the reason is the comparison's."""
    found = settled_result(BEFORE, replace(BESIDE, images=3, duration_s=1.0))
    assert (found.images, found.duration_s) == (BEFORE.images, BEFORE.duration_s)
    assert found.pairs == BEFORE.pairs
    assert found.against_pairs == BESIDE.pairs
    assert found.judgement.reason == "the machine was disturbed"
    assert found.judgement.before == BEFORE.judgement
    assert found.judgement.ratio == BEFORE.judgement.ratio
