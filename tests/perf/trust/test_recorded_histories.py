"""Recorded histories: the launches of runs of unchanged code, in the order of time."""

from __future__ import annotations

import math

import pytest

from perf.stats import Block, Pair
from perf.stats.change_points import FEWEST_RUNS
from perf.trust import recorded_histories as module
from perf.trust.recorded_histories import (
    Recorded,
    across_runs,
    with_pace,
    within_runs,
    without_pace,
)

FEWEST = 2 * FEWEST_RUNS


def recorded(at: str, *launches: float, machine: str = "here") -> Recorded:
    """Return the launches of one run."""
    return Recorded(machine, "serving-batch", at, launches)


def test_a_run_alone_needs_enough_launches() -> None:
    """No change can be found in fewer."""
    long = recorded("2026-01-01T00:00", *[0.0] * FEWEST)
    short = recorded("2026-01-02T00:00", *[0.0] * (FEWEST - 1))
    assert within_runs([long, short]) == [long.launches]


def test_runs_of_a_machine_are_joined_in_the_order_of_time() -> None:
    """Another machine has another history, and a single run is none."""
    first = recorded("2026-01-01T00:00", *[1.0] * FEWEST_RUNS)
    second = recorded("2026-01-02T00:00", *[2.0] * FEWEST_RUNS)
    other = recorded("2026-01-02T00:00", *[3.0] * FEWEST, machine="there")
    assert across_runs([second, other, first]) == [first.launches + second.launches]
    short = recorded("2026-01-03T00:00", 4.0, machine="there")
    joined = [first.launches + second.launches, other.launches + short.launches]
    assert across_runs([second, other, first, short]) == joined


def test_a_launch_is_the_mean_of_its_blocks() -> None:
    """Of the logarithms of throughput over pace; a run without pace has no launches."""
    blocks = [Block(2.0, 1.0), Block(8.0, 1.0), Block(6.0, 2.0)]
    pairs = [Pair(b, b, launch) for b, launch in zip(blocks, (0, 0, 1), strict=True)]
    found = module._recorded("here", "a", "2026-01-01T00:00:07", pairs, module._scenario)
    assert found.at == "2026-01-01T00:00"
    assert found.launches == pytest.approx((math.log(4.0), math.log(3.0)))
    unpaced = [*pairs, Pair(Block(2.0), Block(2.0), 2)]
    none = module._recorded("here", "a", "2026-01-01T00:00", unpaced, module._scenario)
    assert none.launches == ()


def test_older_runs_are_taken_over_their_yardstick() -> None:
    """They had no pace; without a yardstick there is nothing to divide by."""
    pair = Pair(Block(3.0), Block(1.0), 0, yardstick_rps=6.0)
    assert module._efficiency(pair) == pytest.approx(math.log(0.5))
    assert module._efficiency(Pair(Block(3.0), Block(1.0), 0)) is None


def test_only_throughput_makes_a_history() -> None:
    """A capacity varies more, and is not of the same kind."""
    block = Block(3.0, 1.0, figure="capacity")
    assert module._scenario(Pair(block, block, 0)) is None


def test_all_recordings_can_be_read() -> None:
    """Those of this project: each once, with finite launches in every one."""
    paced, older = with_pace(), without_pace()
    assert within_runs(paced)
    assert across_runs(older)
    for one in (*paced, *older):
        assert one.launches
        assert all(map(math.isfinite, one.launches))
    beside = [one for one in paced if one.machine]
    alone = {(one.scenario, one.at) for one in paced if not one.machine}
    assert not alone & {(one.scenario, one.at) for one in beside}
