"""What makes a measurement invalid: each limit by example, on both of its sides."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from perf.judge.validity import Shares, disturbances, null_control, saturation, shares
from perf.machine.interference import Conditions
from perf.stats import Estimate

QUIET = Shares(
    stolen_percent=0.0,
    foreign_percent=0.0,
    throttled_percent=0.0,
    idle_arm_percent=0.0,
)
# Each at its limit, which is still allowed.
AT_THE_LIMIT = Shares(
    stolen_percent=5.0,
    foreign_percent=4.0,
    throttled_percent=1.0,
    idle_arm_percent=3.0,
)


def block(**seconds: float) -> Conditions:
    """Return the conditions of a block in which nothing happened but `seconds`."""
    nothing = Conditions(
        duration_s=10.0, own_s=0.0, foreign_s=0.0, stolen_s=0.0, throttled_s=0.0
    )
    return replace(nothing, **seconds)


def estimate(low: float, high: float) -> Estimate:
    """Return a ratio with this interval."""
    return Estimate(point=(low + high) / 2, low=low, high=high, confidence=0.95)


def test_shares_are_of_all_cores_and_all_blocks() -> None:
    """Sums over sums, so that a long block counts for more."""
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
    assert asdict(found) == pytest.approx(asdict(expected))


@pytest.mark.parametrize("seen", [QUIET, AT_THE_LIMIT])
def test_nothing_is_found_where_all_is_well(seen: Shares) -> None:
    """Neither in silence nor right at every limit."""
    assert disturbances({"scenario": seen, "reference": seen}) == []
    assert disturbances({}) == []


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            replace(AT_THE_LIMIT, stolen_percent=5.1),
            "scenario: the host gave its CPU to others for 5.1 %, at most 5 %",
        ),
        (
            replace(AT_THE_LIMIT, foreign_percent=4.1),
            "scenario: other processes were busy for 4.1 %, at most 4 %",
        ),
        (
            replace(AT_THE_LIMIT, throttled_percent=1.1),
            "scenario: its CPU was throttled for 1.1 %, at most 1 %",
        ),
        (
            replace(AT_THE_LIMIT, idle_arm_percent=3.1),
            "scenario: the arm at rest was busy for 3.1 %, at most 3 %",
        ),
    ],
    ids=["stolen", "foreign", "throttled", "idle arm"],
)
def test_each_limit(seen: Shares, reason: str) -> None:
    """A little above a limit is told, with the figure and the limit, and nothing else."""
    assert disturbances({"scenario": seen, "reference": QUIET}) == [reason]


def test_each_arm_is_looked_at() -> None:
    """Every reason of either arm is told."""
    bad = replace(QUIET, stolen_percent=50.0, foreign_percent=50.0)
    found = disturbances({"scenario": bad, "reference": bad})
    assert [reason.partition(":")[0] for reason in found] == [
        *("scenario", "scenario", "reference", "reference")
    ]


@pytest.mark.parametrize("ceiling_rps", [None, 30.0, 31.0, 1e6])
def test_a_harness_three_times_faster_is_fast_enough(ceiling_rps: float | None) -> None:
    """And where its ceiling was not measured nothing is claimed."""
    assert not saturation(10.0, ceiling_rps)


@pytest.mark.parametrize("ceiling_rps", [29.9, 10.0, 5.0])
def test_a_slower_harness_is_saturated(ceiling_rps: float) -> None:
    """The reason names what was measured, and what the harness can do."""
    reason = saturation(10.0, ceiling_rps)
    assert f"the harness is saturated: 10 of at most {ceiling_rps:g} jobs/s" in reason


@pytest.mark.parametrize(
    "ratio",
    [
        estimate(0.99, 1.01),
        estimate(0.5, 2.0),
        estimate(0.7, 0.98),
        estimate(1.02, 1.3),
        estimate(1.01, 1.015),
    ],
)
def test_a_null_control_that_may_be_one_is_well(ratio: Estimate) -> None:
    """An interval that reaches within two hundredths of one shows no bias."""
    assert not null_control(ratio)


@pytest.mark.parametrize("ratio", [estimate(0.7, 0.979), estimate(1.021, 1.3)])
def test_a_null_control_that_cannot_be_one_is_biased(ratio: Estimate) -> None:
    """An interval that lies wholly on one side says so, with its numbers."""
    reason = null_control(ratio)
    numbers = f"{ratio.point:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
    assert "the null control is biased" in reason
    assert numbers in reason
