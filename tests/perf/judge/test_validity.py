"""What makes a measurement invalid: examples at each limit and beyond."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from perf.judge.judgement import Judgement
from perf.judge.validity import (
    Shares,
    checked,
    disturbances,
    null_control,
    pace_fault,
    saturation,
    shares,
)
from perf.machine.interference import Conditions
from perf.report.message import explain, reason, remark
from perf.stats import Block, Pair, Verdict
from serving.errors import PerfError
from tests.support.results import BATCH, HEADER

QUIET = Shares(
    stolen_percent=0.0,
    foreign_percent=0.0,
    throttled_percent=0.0,
    idle_arm_percent=0.0,
)
# Each share is at its limit, which is still allowed.
AT_THE_LIMIT = Shares(
    stolen_percent=5.0,
    foreign_percent=4.0,
    throttled_percent=1.0,
    idle_arm_percent=3.0,
)


def block(**changes: Any) -> Conditions:  # noqa: ANN401 -- any field of Conditions
    """Return the conditions of a block of 10 s; nothing happened but `changes`."""
    nothing = Conditions(
        duration_s=10.0, own_s=0.0, foreign_s=0.0, stolen_s=0.0, throttled_s=0.0
    )
    return replace(nothing, **changes)


def test_shares_are_of_all_cores_and_all_blocks() -> None:
    """The shares are quotients of sums, so a long block has more weight."""
    found = shares(
        [
            block(duration_s=30.0, stolen_s=6.0, foreign_s=1.5, idle_arm_s=0.8),
            block(duration_s=10.0, stolen_s=2.0, foreign_s=0.5, throttled_s=4.0),
        ],
        usable_cores=2.0,
    )
    expected = Shares(
        stolen_percent=10.0,
        foreign_percent=2.5,
        throttled_percent=5.0,
        idle_arm_percent=1.0,
    )
    for name, percent in asdict(expected).items():
        assert getattr(found, name) == pytest.approx(percent), name


@pytest.mark.parametrize("seen", [QUIET, AT_THE_LIMIT])
def test_shares_up_to_the_limits_are_valid(seen: Shares) -> None:
    """Neither a quiet machine nor shares exactly at their limits are a disturbance."""
    assert disturbances({"scenario blocks": seen, "reference blocks": seen}) == []
    assert disturbances({}) == []


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            replace(AT_THE_LIMIT, stolen_percent=5.1),
            "scenario blocks: the host stole 5.1 % of the CPU (limit 5 %)",
        ),
        (
            replace(AT_THE_LIMIT, foreign_percent=4.1),
            "scenario blocks: other processes used 4.1 % of the CPU (limit 4 %)",
        ),
        (
            replace(AT_THE_LIMIT, throttled_percent=1.1),
            "scenario blocks: throttling took 1.1 % of the CPU (limit 1 %)",
        ),
        (
            replace(AT_THE_LIMIT, idle_arm_percent=3.1),
            "scenario blocks: the waiting arm used 3.1 % of the CPU (limit 3 %)",
        ),
    ],
    ids=["stolen", "foreign", "throttled", "idle arm"],
)
def test_each_limit(seen: Shares, reason: str) -> None:
    """A share above its limit gives one phrase, with the share and the limit."""
    assert disturbances({"scenario blocks": seen, "reference blocks": QUIET}) == [reason]


def test_each_arm_is_checked() -> None:
    """Every disturbance of both arms is returned."""
    bad = replace(QUIET, stolen_percent=50.0, foreign_percent=50.0)
    found = disturbances({"scenario blocks": bad, "reference blocks": bad})
    assert [reason.partition(" ")[0] for reason in found] == [
        *("scenario", "scenario", "reference", "reference")
    ]


@pytest.mark.parametrize("ceiling_rps", [None, 30.0, 31.0, 1e6])
def test_a_harness_three_times_faster_is_fast_enough(ceiling_rps: float | None) -> None:
    """At three times the scenario's throughput, or if unknown, it is not saturated."""
    assert not saturation(10.0, ceiling_rps)


@pytest.mark.parametrize("ceiling_rps", [29.9, 10.0, 5.0])
def test_a_slower_harness_is_saturated(ceiling_rps: float) -> None:
    """The reason has the throughput of the harness alone, and that of the scenario."""
    assert saturation(10.0, ceiling_rps) == (
        f"the harness is too slow: alone it runs at most {ceiling_rps:g} jobs/s, less "
        "than 3 times the scenario's 10"
    )


def against_itself(*ratios: float, pace: float | None = 1.0) -> list[Pair]:
    """Return pairs of the reference with itself that have these ratios, two a launch."""
    return [
        Pair(Block(2.0 * ratio, pace), Block(2.0, pace), place // 2)
        for place, ratio in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    "pairs",
    [
        against_itself(0.99, 1.01, 1.0, 1.0, 1.01, 0.99),
        against_itself(*[0.97] * 6),
        against_itself(0.5, 0.5, 0.9, 0.9, 2.0, 2.0),
        against_itself(*[0.5] * 6, pace=None),
        against_itself(0.5),
        [],
    ],
    ids=["near", "a little off", "uncertain", "no pace", "one pair", "none"],
)
def test_a_null_control_near_one_shows_no_bias(pairs: list[Pair]) -> None:
    """There is no bias where any part of the interval lies within 2 % of 1."""
    assert not null_control(pairs)


@pytest.mark.parametrize("ratio", [0.8, 1.25])
def test_a_null_control_away_from_one_is_biased(ratio: float) -> None:
    """There is a bias where the whole interval lies beyond; the reason has its numbers."""
    said = null_control(against_itself(*[ratio] * 6))
    assert said.startswith(
        "the null control is biased: at equal pace, the ratio of the reference to itself "
        f"is {ratio:.3f} ["
    )
    assert said.endswith("], all of it more than 2 % away from 1")


def test_a_null_control_is_corrected_for_pace() -> None:
    """Blocks at another pace are no bias; blocks as fast on slower cores are one."""
    slower = [
        Pair(Block(1.6, 0.8), Block(2.0, 1.0), launch) for launch in (0, 0, 1, 1, 2, 2)
    ]
    assert not null_control(slower)
    as_fast = [replace(pair, scenario=Block(2.0, 0.8)) for pair in slower]
    assert "is 1.250 [" in null_control(as_fast)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (1.0, 1.0, ""),
        (1.0, 1.28, ""),
        (1.28, 1.0, ""),
        (1.0, 1.3, "the pace changed by 30 % between the two blocks (limit 28 %)"),
        (1.3, 1.0, "the pace changed by 30 % between the two blocks (limit 28 %)"),
        (2.0, 1.0, "the pace changed by 100 % between the two blocks (limit 28 %)"),
        (None, None, ""),
        (None, 1.3, "the pace was measured in one of the two blocks only"),
        (1.3, None, "the pace was measured in one of the two blocks only"),
    ],
)
def test_a_jump_of_the_pace(ours: float | None, theirs: float | None, said: str) -> None:
    """It is told in per cent of the slower pace, from 28 % on, whichever came first.

    A pace that is missing in one block alone is told too.
    """
    assert pace_fault(Pair(Block(2.0, ours), Block(3.0, theirs), 0)) == said


def test_the_busiest_processes_of_all_blocks_are_named() -> None:
    """Their CPU is summed over the blocks, and the three that used most are named."""
    found = shares(
        [
            block(busiest={"make (7)": 1.0, "cc (8)": 0.5, "sshd (9)": 0.1}),
            block(busiest={"cc (8)": 1.5, "cron (10)": 0.2}),
        ],
        usable_cores=2.0,
    )
    assert found.busiest == pytest.approx(
        {"cc (8)": 5.0, "make (7)": 2.5, "cron (10)": 0.5}
    )


BUSY = replace(
    QUIET, foreign_percent=9.1, busiest={"cc (8)": 6.0, "make (7)": 1.24, "sh (9)": 0.0}
)
DISTURBED = (
    "reference blocks: other processes used 9.1 % of the CPU (limit 4 %), busiest cc (8) "
    "6.0 %, make (7) 1.2 %"
)


def test_only_other_processes_are_named() -> None:
    """They are no cause of what the host stole, and one that used nothing is not named."""
    assert disturbances({"reference blocks": BUSY}) == [DISTURBED]
    (stolen,) = disturbances(
        {"both blocks": replace(BUSY, foreign_percent=1, stolen_percent=9)}
    )
    assert stolen == "both blocks: the host stole 9.0 % of the CPU (limit 5 %)"


def check(**seen: Any) -> Judgement:  # noqa: ANN401 -- any argument of `checked`
    """Return what comes of a regression that was measured like this, else well."""
    good: dict[str, Any] = {"fault": None, "conditions": {}, "saturated": "", "biased": ""}
    return checked(BATCH.judgement, **{**good, **seen})


def test_a_good_measurement_keeps_its_judgement() -> None:
    """Nothing is changed where nothing was wrong."""
    assert check(conditions={"scenario": AT_THE_LIMIT}) is BATCH.judgement


def test_a_fault_makes_it_invalid() -> None:
    """The first line of the fault is the reason, and no number is kept."""
    found = check(fault=PerfError("3 jobs failed\nthe log:\n..."), biased="biased")
    assert found == Judgement(verdict=Verdict.INVALID, reason="3 jobs failed")


def test_a_fault_keeps_the_name_of_the_other_tree() -> None:
    """Else the command that repeats the run could not name it."""
    beside = replace(BATCH.judgement, against="v1.4", ours="HEAD")
    found = checked(beside, fault=PerfError("late"), conditions={}, saturated="", biased="")
    assert (found.against, found.ours) == ("v1.4", "HEAD")
    said = explain(replace(BATCH, judgement=found), HEADER)
    assert said.endswith(" --perf-against=v1.4")


def test_a_saturated_harness_makes_it_invalid() -> None:
    """It limits what is measured, on a quiet machine and on a busy one."""
    for conditions in ({}, {"reference": BUSY}):
        found = check(saturated="the harness is saturated", conditions=conditions)
        assert found.verdict is Verdict.INVALID
        assert found.reason == "the harness is saturated"


def test_a_disturbed_machine_leaves_it_inconclusive() -> None:
    """Neither red nor green; the message names the cause and the busiest processes."""
    found = check(conditions={"scenario": QUIET, "reference": BUSY})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == f"the machine was disturbed: {DISTURBED}"
    assert found.quantities == BATCH.judgement.quantities
    result = replace(BATCH, judgement=found)
    said = explain(result, HEADER)
    assert said.startswith(
        f"serving-batch is inconclusive. The machine was disturbed: {DISTURBED}. "
    )
    assert "too little evidence" not in said
    assert remark(result) == f"serving-batch: {found.reason}"
    assert reason(result) == found.reason


@pytest.mark.parametrize(
    "seen",
    [{"conditions": {"reference": BUSY}}, {"saturated": "too slow"}, {"biased": "so"}],
)
def test_what_is_wrong_is_no_longer_only_another_cpu(seen: dict[str, Any]) -> None:
    """Such a run must not become a baseline, as one beside another CPU's may."""
    elsewhere = replace(BATCH.judgement, is_elsewhere=True)
    good: dict[str, Any] = {"fault": None, "conditions": {}, "saturated": "", "biased": ""}
    assert checked(elsewhere, **good).is_elsewhere
    assert not checked(elsewhere, **{**good, **seen}).is_elsewhere


def test_the_other_tree_is_named_where_its_blocks_were_disturbed() -> None:
    """Side by side there is no reference."""
    beside = replace(BATCH.judgement, against="main", ours="HEAD")
    conditions = {"scenario": QUIET, "reference": BUSY}
    found = checked(beside, fault=None, conditions=conditions, saturated="", biased="")
    assert found.reason.startswith("the machine was disturbed: blocks of main: other proc")
    assert "reference" not in found.reason


def test_a_biased_null_control_leaves_it_inconclusive() -> None:
    """The ratio to itself is the reason; it is no disturbance that was seen."""
    biased = null_control(against_itself(*[0.8] * 6))
    found = check(biased=biased)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, biased)
    both = check(biased=biased, conditions={"reference": BUSY})
    assert both.reason == f"the machine was disturbed: {DISTURBED}; {biased}"
