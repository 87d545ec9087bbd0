"""Outliers: single blocks are clipped, what a whole launch or run shares is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perf.stats import THROUGHPUT, Change, estimate_change, estimate_side_by_side
from tests.perf.stats.simulation import Arms, Floats, Misses, noise, sd_of_a_machine


def blocks(seed: int, shape: tuple[int, int]) -> Floats:
    """Return the noise of a run: 1 % between launches, and 1 % between blocks."""
    return noise(np.random.default_rng(seed), shape, launch=0.01, block=0.01)


def beside(logs: Floats) -> Change:
    """Return the change side by side with a reference that never varies."""
    return estimate_side_by_side(Arms(logs).sample())


@pytest.mark.parametrize("shape", [(4, 2), (3, 4), (6, 4), (1, 5)])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_outlier_is_clipped(shape: tuple[int, int], factor: float) -> None:
    """One block at half or twice the speed moves the change by less than 2 %.

    Of eight blocks, without clipping, it would move it by 9 %.
    """
    logs = blocks(5, shape)
    hurt = logs.copy()
    hurt[-1, -1] += math.log(factor)
    plain, moved = beside(logs), beside(hurt)
    assert abs(moved.point - plain.point) < 0.02
    assert moved.standard_error < 2.5 * plain.standard_error
    base = Arms(blocks(6, shape)).sample()
    since = [estimate_change(Arms(each).sample(), base).point for each in (logs, hurt)]
    assert abs(since[0] - since[1]) < 0.02


def test_of_two_blocks_the_unusual_one_is_clipped() -> None:
    """In a launch of two blocks, the one far from the other launches is the outlier."""
    logs = np.array([[0.0, 0.01], [0.01, 0.0], [0.005, -0.5], [0.0, 0.01]])
    assert abs(beside(logs).point) < 0.01


def test_a_whole_launch_is_not_clipped() -> None:
    """However unlike the others a launch is, its mean counts: launches do differ."""
    logs = np.array([[0.0, 0.001, 0.002]] * 3)
    logs[2] += 0.4
    change = beside(logs)
    assert change.point == pytest.approx(0.001 + 0.4 / 3)
    assert change.standard_error > 0.05


def test_a_loss_in_every_block_is_not_clipped() -> None:
    """A loss that all blocks share is no outlier, however large it is."""
    logs = blocks(7, (6, 4))
    moved = beside(logs + math.log(0.5)).point - beside(logs).point
    assert moved == pytest.approx(math.log(0.5))


def test_where_most_blocks_are_equal_nothing_is_clipped() -> None:
    """Without a usual distance no block is far; rounding is not taken for one."""
    logs = np.zeros((3, 4))
    logs[0, 0] = 0.1
    for rounding in (0.0, 1e-15):
        jitter = rounding * np.arange(12).reshape(3, 4)
        assert beside(logs + jitter).point == pytest.approx(0.1 / 12)


@pytest.mark.parametrize("each", [2, 4])
def test_clipping_keeps_the_confidence_where_launches_differ(each: int) -> None:
    """Where launches differ more than blocks, as many intervals miss as should.

    If the blocks were clipped to the median of the whole run, a launch unlike the others
    would be drawn to them, and of three launches one interval in twelve would miss.
    """
    rng, misses = np.random.default_rng(20250401), Misses()
    for _ in range(4_000):
        sd = sd_of_a_machine(rng, THROUGHPUT.launch)
        misses.count(beside(noise(rng, (3, each), launch=sd, block=sd / 10)), 0.0)
    misses.assert_nominal()
