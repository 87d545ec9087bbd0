"""What makes a measurement invalid: examples at each limit and beyond."""

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
# Each share is at its limit, which is still allowed.
AT_THE_LIMIT = Shares(
    stolen_percent=5.0,
    foreign_percent=4.0,
    throttled_percent=1.0,
    idle_arm_percent=3.0,
)


def block(**seconds: float) -> Conditions:
    """Return the conditions of a block; all times but `seconds` are zero."""
    nothing = Conditions(
        duration_s=10.0, own_s=0.0, foreign_s=0.0, stolen_s=0.0, throttled_s=0.0
    )
    return replace(nothing, **seconds)


def estimate(low: float, high: float) -> Estimate:
    """Return a ratio with this interval."""
    return Estimate(point=(low + high) / 2, low=low, high=high, confidence=0.95)


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
    assert asdict(found) == pytest.approx(asdict(expected))


@pytest.mark.parametrize("seen", [QUIET, AT_THE_LIMIT])
def test_shares_up_to_the_limits_are_valid(seen: Shares) -> None:
    """Neither a quiet machine nor shares exactly at their limits are a disturbance."""
    assert disturbances({"scenario": seen, "reference": seen}) == []
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
            "scenario blocks: the idle arm used 3.1 % of the CPU (limit 3 %)",
        ),
    ],
    ids=["stolen", "foreign", "throttled", "idle arm"],
)
def test_each_limit(seen: Shares, reason: str) -> None:
    """A share above its limit gives one phrase, with the share and the limit."""
    assert disturbances({"scenario": seen, "reference": QUIET}) == [reason]


def test_each_arm_is_checked() -> None:
    """Every disturbance of both arms is returned."""
    bad = replace(QUIET, stolen_percent=50.0, foreign_percent=50.0)
    found = disturbances({"scenario": bad, "reference": bad})
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
        f"the harness is saturated: alone it does at most {ceiling_rps:g} jobs/s, less "
        "than 3 times the scenario's 10"
    )


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
def test_a_null_control_near_one_shows_no_bias(ratio: Estimate) -> None:
    """There is no bias where any part of the interval lies within 2 % of 1."""
    assert not null_control(ratio)


@pytest.mark.parametrize("ratio", [estimate(0.7, 0.979), estimate(1.021, 1.3)])
def test_a_null_control_away_from_one_is_biased(ratio: Estimate) -> None:
    """There is a bias where the whole interval lies beyond; the reason has its numbers."""
    assert null_control(ratio) == (
        "the null control is biased: the ratio of the reference to itself is "
        f"{ratio.point:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], and should lie within "
        "2 % of 1"
    )
