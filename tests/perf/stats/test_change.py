"""Changes of efficiency: what affects them, and what does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perf.stats import Change, Pair, Sample, TooFewLaunches, estimate_change
from perf.stats.change import tail_of

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

rates = st.floats(min_value=0.01, max_value=10_000.0)
factors = st.floats(min_value=0.01, max_value=100.0)
blocks = st.builds(Pair, rates, rates, st.just(0), rates)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Return pairs with a yardstick, in two launches or more."""
    drawn = draw(st.lists(blocks, min_size=2, max_size=16))
    launches = draw(st.integers(2, len(drawn)))
    return Sample(replace(b, launch=k % launches) for k, b in enumerate(drawn))


def alike(launches: int) -> Sample:
    """Return launches of three pairs each, without any noise."""
    return Sample(
        Pair(30.0, 2.0, launch, yardstick_rps=10.0)
        for launch in range(launches)
        for _ in range(3)
    )


def noisy(rng: np.random.Generator, *, launches: int) -> Sample:
    """Return launches of four pairs each, with normal noise of 2 %."""
    return Sample(
        Pair(30.0 * math.exp(rng.normal(0.0, 0.02)), 2.0, launch, yardstick_rps=10.0)
        for launch in range(launches)
        for _ in range(4)
    )


def faster(sample: Sample, factor: float, *, yardstick_too: bool = False) -> Sample:
    """Return the sample with a scenario, or also a yardstick, `factor` times as fast."""
    return Sample(
        replace(
            p,
            scenario_rps=p.scenario_rps * factor,
            yardstick_rps=(p.yardstick_rps or 1.0) * (factor if yardstick_too else 1.0),
        )
        for p in sample.pairs
    )


def without_yardstick(sample: Sample) -> Sample:
    """Return the sample without its yardstick."""
    return Sample(replace(p, yardstick_rps=None) for p in sample.pairs)


def by_reference(sample: Sample) -> Sample:
    """Return the sample with a yardstick that is as fast as the reference."""
    return Sample(replace(p, yardstick_rps=p.reference_rps) for p in sample.pairs)


def assert_same(left: Change, right: Change) -> None:
    """Assert that two changes are equal except for rounding."""
    assert left.point == pytest.approx(right.point, abs=1e-9)
    assert left.standard_error == pytest.approx(right.standard_error, abs=1e-9)
    assert left.half_width(0.01) == pytest.approx(right.half_width(0.01), abs=1e-9)


@given(samples(), samples(), factors, factors)
@properties
def test_a_faster_machine_is_no_change(
    current: Sample, baseline: Sample, now: float, then: float
) -> None:
    """If scenario and yardstick are faster by the same factor, there is no change."""
    plain = estimate_change(current, baseline)
    scaled = estimate_change(
        faster(current, now, yardstick_too=True), faster(baseline, then, yardstick_too=True)
    )
    assert_same(scaled, plain)


@given(samples(), samples(), factors)
@properties
def test_a_change_scales_with_the_scenario(
    current: Sample, baseline: Sample, factor: float
) -> None:
    """A scenario that is c times as fast gives c times the change, with the same error."""
    plain = estimate_change(current, baseline)
    moved = estimate_change(faster(current, factor), baseline)
    assert math.exp(moved.point - plain.point) == pytest.approx(factor)
    assert_same(replace(moved, point=plain.point), plain)


@given(samples(), samples())
@properties
def test_swapping_the_runs_changes_the_sign(current: Sample, baseline: Sample) -> None:
    """With the runs swapped, the change has the other sign and the same error."""
    plain = estimate_change(current, baseline)
    back = estimate_change(baseline, current)
    assert_same(replace(back, point=-back.point), plain)
    assert (back.launches, back.baseline_launches) == (
        plain.baseline_launches,
        plain.launches,
    )


@given(samples(), samples(), factors)
@properties
def test_with_a_yardstick_the_reference_is_not_used(
    current: Sample, baseline: Sample, factor: float
) -> None:
    """Where there is a yardstick, the reference's throughput has no effect."""
    other = Sample(replace(p, reference_rps=factor) for p in current.pairs)
    assert estimate_change(other, baseline) == estimate_change(current, baseline)


@given(samples(), samples())
@properties
def test_without_a_yardstick_the_reference_is_used(
    current: Sample, baseline: Sample
) -> None:
    """Runs without a yardstick are compared by their ratios over the reference."""
    got = estimate_change(without_yardstick(current), without_yardstick(baseline))
    assert got == estimate_change(by_reference(current), by_reference(baseline))


@given(samples(), samples())
@properties
def test_the_order_of_blocks_does_not_matter(current: Sample, baseline: Sample) -> None:
    """A sample with its pairs in another order gives the same change."""
    turned = estimate_change(Sample(reversed(current.pairs)), baseline)
    assert_same(turned, estimate_change(current, baseline))


def test_more_runs_in_the_baseline_leave_less_error() -> None:
    """The own error of k baseline runs counts one k-th, that of the current run fully."""
    for runs in (1, 2, 4):
        change = estimate_change(alike(3), *[alike(2)] * runs, run_sd=0.01)
        assert change.standard_error == pytest.approx(0.01 * math.sqrt(1 + 1 / runs))
    with pytest.raises(ValueError, match="at least one run"):
        estimate_change(alike(3))


def test_every_run_of_the_baseline_has_the_same_weight() -> None:
    """A run with many launches has the same weight as one with few."""
    slow, fast = (faster(alike(n), f) for n, f in ((2, 1.0), (8, 1.21)))
    assert estimate_change(alike(3), slow, fast).point == pytest.approx(-math.log(1.1))


def test_one_launch_in_every_run_is_too_few() -> None:
    """One launch in each run has no spread; a second launch in one of them is enough."""
    one, two = alike(1), alike(2)
    with pytest.raises(TooFewLaunches, match="with one launch in every run"):
        estimate_change(one, one)
    for current, baseline in ((one, two), (two, one)):
        change = estimate_change(current, baseline, run_sd=0.0)
        assert change.freedom == 1
        assert change.launches == len(set(current.launches.tolist()))
        assert change.baseline_launches == len(set(baseline.launches.tolist()))
    assert issubclass(TooFewLaunches, ValueError)


def test_without_spread_the_error_of_the_runs_remains() -> None:
    """If all pairs are equal, the error is that of the runs, which is a known constant."""
    change = estimate_change(alike(3), alike(3), run_sd=0.01)
    assert change.point == 0.0
    assert change.half_width(0.025) == pytest.approx(1.959964 * math.sqrt(2) * 0.01)
    nothing = estimate_change(alike(3), alike(3), run_sd=0.0).interval(0.025)
    assert (nothing.low, nothing.point, nothing.high) == (1.0, 1.0, 1.0)


def test_an_outlier_is_clipped() -> None:
    """One block at half speed hardly affects a change that is measured over 24 blocks.

    Without clipping it would lower their mean by 2.9 %.
    """
    rng = np.random.default_rng(5)
    current, baseline = (noisy(rng, launches=6) for _ in range(2))
    plain = estimate_change(current, baseline)
    pairs = list(current.pairs)
    pairs[9] = replace(pairs[9], scenario_rps=pairs[9].scenario_rps / 2)
    hurt = estimate_change(Sample(pairs), baseline)
    assert abs(hurt.point - plain.point) < 0.005
    assert hurt.standard_error < 1.5 * plain.standard_error


def test_a_loss_in_every_block_is_not_clipped() -> None:
    """A loss that all blocks share is no outlier, however large it is."""
    rng = np.random.default_rng(6)
    current, baseline = (noisy(rng, launches=6) for _ in range(2))
    plain = estimate_change(current, baseline)
    halved = estimate_change(faster(current, 0.5), baseline)
    assert halved.point - plain.point == pytest.approx(math.log(0.5))


def test_a_very_wide_interval_stays_finite() -> None:
    """Launches that differ enormously give a very wide interval with finite ends."""
    wild = Sample([Pair(1e-300, 1e300, 0), Pair(1e300, 1e-300, 1)])
    interval = estimate_change(wild, wild).interval(0.025)
    assert interval.low < 1e-300
    assert 1e300 < interval.high < math.inf


@given(st.floats(min_value=-5.0, max_value=5.0))
@properties
def test_the_tail_of_a_bound_is_the_normal_tail(bound: float) -> None:
    """The tail is the probability of the normal distribution beyond the bound."""
    assert tail_of(bound) == pytest.approx(stats.norm.sf(bound))
