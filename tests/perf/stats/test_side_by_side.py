"""Changes side by side: what affects them, and what does not."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perf.stats import (
    QUANTITIES,
    THROUGHPUT,
    Block,
    Quantity,
    Sample,
    estimate_side_by_side,
)
from perf.stats.moderated import Prior
from tests.perf.stats.simulation import Arms, noise
from tests.perf.stats.strategies import (
    assert_same,
    factors,
    faster_machine,
    properties,
    samples,
    shuffled,
    swapped,
)

each_quantity = pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: q.name)


def scaled(sample: Sample, *, rps: float = 1.0, pace: float = 1.0) -> Sample:
    """Return the sample with every throughput and pace multiplied."""

    def each(block: Block) -> Block:
        assert block.pace is not None
        return replace(block, rps=block.rps * rps, pace=block.pace * pace)

    return Sample(
        replace(p, scenario=each(p.scenario), reference=each(p.reference))
        for p in sample.pairs
    )


@given(samples(), factors, factors)
@properties
def test_a_common_factor_changes_nothing(sample: Sample, rps: float, pace: float) -> None:
    """If both arms have c times the throughput, or c times the pace, nothing changes."""
    plain = estimate_side_by_side(sample)
    assert_same(estimate_side_by_side(scaled(sample, rps=rps)), plain)
    assert_same(estimate_side_by_side(scaled(sample, pace=pace)), plain)


@each_quantity
@given(sample=samples(), factor=factors)
@properties
def test_a_faster_machine_is_no_change(
    quantity: Quantity, sample: Sample, factor: float
) -> None:
    """If the pace explains how much faster everything is, there is no change."""
    other = estimate_side_by_side(faster_machine(sample, factor), quantity)
    assert_same(other, estimate_side_by_side(sample, quantity))


@each_quantity
@given(sample=samples())
@properties
def test_swapping_the_arms_changes_the_sign(quantity: Quantity, sample: Sample) -> None:
    """With the arms swapped, the change has the other sign and the same error."""
    back = estimate_side_by_side(swapped(sample), quantity)
    assert_same(replace(back, point=-back.point), estimate_side_by_side(sample, quantity))


@each_quantity
@given(sample=samples(), random=st.randoms(use_true_random=False))
@properties
def test_the_order_of_pairs_does_not_matter(
    quantity: Quantity, sample: Sample, random: Random
) -> None:
    """Pairs in another order give the same change."""
    turned = estimate_side_by_side(shuffled(sample, random), quantity)
    assert_same(turned, estimate_side_by_side(sample, quantity))


@given(samples())
@properties
def test_equal_arms_do_not_differ(sample: Sample) -> None:
    """Where both arms measure the same, the change is 0; the usual error remains."""
    same = Sample(replace(p, reference=p.scenario) for p in sample.pairs)
    change = estimate_side_by_side(same)
    assert change.point == 0.0
    assert change.standard_error > 0.0
    assert change.baseline_launches == math.inf


@pytest.mark.parametrize("each", [1, 2])
def test_each_launch_is_one_observation(each: int) -> None:
    """Without a prior, the interval is that of scipy's t test on the launches.

    The blocks of each launch lie equally far apart, so none is an outlier.
    """
    logs = noise(np.random.default_rng(4), (7, 1), launch=0.05, block=0.0)
    logs = logs + 0.01 * np.arange(each)
    quantity = replace(THROUGHPUT, launch=Prior(0.01, 1e-9))
    expected = stats.ttest_1samp(logs.mean(axis=1), 0.0).confidence_interval(0.9)
    change = estimate_side_by_side(Arms(logs).sample(), quantity)
    got = change.interval(0.05)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(tuple(expected))
    assert change.freedom == pytest.approx(6.0)


def test_a_difference_of_the_pace_within_a_pair_counts() -> None:
    """A block that was measured at half the pace may have half the throughput."""
    zeros = np.zeros((3, 2))
    half = np.full((3, 2), math.log(0.5))
    fair = Arms(half, scenario_pace=half).sample()
    assert estimate_side_by_side(fair).point == pytest.approx(0.0)
    unfair = Arms(zeros, scenario_pace=half).sample()
    assert estimate_side_by_side(unfair).point == pytest.approx(math.log(2))
