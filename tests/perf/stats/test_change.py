"""Changes since a baseline, and of any kind: what affects them, and what does not."""

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
    Change,
    NotMeasuredError,
    Pair,
    Quantity,
    Sample,
    estimate_change,
    estimate_side_by_side,
)
from perf.stats.change import estimate_apart, tail_of
from perf.stats.moderated import Prior
from perf.stats.quantity import MEMORY, P99
from tests.perf.stats.simulation import Arms, noise
from tests.perf.stats.strategies import (
    assert_same,
    factors,
    faster_machine,
    properties,
    samples,
    shuffled,
)

KNOWN = replace(THROUGHPUT, launch=Prior(0.0, 1e9), run=Prior(0.01, 1e9))
each_quantity = pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: q.name)


def faster(sample: Sample, factor: float) -> Sample:
    """Return the sample with a scenario that is `factor` times as fast."""
    return Sample(
        replace(p, scenario=replace(p.scenario, rps=p.scenario.rps * factor))
        for p in sample.pairs
    )


def alike(launches: int) -> Sample:
    """Return launches of three pairs each, without any noise."""
    return Arms(np.zeros((launches, 3))).sample()


def noisy(seed: int, shape: tuple[int, int] = (6, 4)) -> Sample:
    """Return a run with normal noise of 2 %."""
    logs = noise(np.random.default_rng(seed), shape, launch=0.0, block=0.02)
    return Arms(logs).sample()


@each_quantity
@given(current=samples(), baseline=samples(), now=factors, then=factors)
@properties
def test_a_faster_machine_is_no_change(
    quantity: Quantity, current: Sample, baseline: Sample, now: float, then: float
) -> None:
    """If the pace explains how much faster everything is, there is no change."""
    plain = estimate_change(current, baseline, quantity=quantity)
    other = estimate_change(
        faster_machine(current, now), faster_machine(baseline, then), quantity=quantity
    )
    assert_same(other, plain)


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


@each_quantity
@given(current=samples(), baseline=samples())
@properties
def test_swapping_the_runs_changes_the_sign(
    quantity: Quantity, current: Sample, baseline: Sample
) -> None:
    """With a run and a baseline of one run swapped, only the sign changes."""
    plain = estimate_change(current, baseline, quantity=quantity)
    back = estimate_change(baseline, current, quantity=quantity)
    assert_same(replace(back, point=-back.point), plain)
    assert (back.launches, back.baseline_launches) == (
        plain.baseline_launches,
        plain.launches,
    )


@each_quantity
@given(current=samples(), baseline=samples(), random=st.randoms(use_true_random=False))
@properties
def test_the_order_of_pairs_does_not_matter(
    quantity: Quantity, current: Sample, baseline: Sample, random: Random
) -> None:
    """Pairs in another order give the same change since a baseline."""
    plain = estimate_change(current, baseline, quantity=quantity)
    turned = estimate_change(
        shuffled(current, random), shuffled(baseline, random), quantity=quantity
    )
    assert_same(turned, plain)


@given(samples(), samples(), factors)
@properties
def test_the_reference_does_not_count(
    current: Sample, baseline: Sample, factor: float
) -> None:
    """Since a baseline, only the blocks of the scenario are compared."""
    other = Sample(replace(p, reference=Block(factor)) for p in current.pairs)
    assert estimate_change(other, baseline) == estimate_change(current, baseline)


@given(st.lists(samples(), min_size=2, max_size=4), st.randoms(use_true_random=False))
@properties
def test_the_order_of_the_baselines_runs_does_not_matter(
    runs: list[Sample], random: Random
) -> None:
    """The runs of a baseline are all alike."""
    current, *baseline = runs
    turned = random.sample(baseline, len(baseline))
    assert_same(estimate_change(current, *turned), estimate_change(current, *baseline))


def test_more_runs_in_the_baseline_leave_less_error() -> None:
    """The own error of k baseline runs counts one k-th, that of the current run fully."""
    for runs in (1, 2, 4):
        change = estimate_change(alike(3), *[alike(2)] * runs, quantity=KNOWN)
        assert change.standard_error == pytest.approx(0.01 * math.sqrt(1 + 1 / runs))
        assert (change.launches, change.baseline_launches) == (3, 2 * runs)
    with pytest.raises(ValueError, match="at least one run"):
        estimate_change(alike(3))


def test_a_baseline_shows_how_runs_differ() -> None:
    """Runs that differ much raise the error; runs that are alike lower it.

    One run alone shows nothing, so the usual error of a run holds.
    """
    unsure = replace(THROUGHPUT, run=Prior(0.01, 2.0))
    runs = [faster(alike(4), factor) for factor in (0.9, 1.0, 1.1)]
    single, equal, unlike = (
        estimate_change(alike(4), *baseline, quantity=unsure).standard_error
        for baseline in ([alike(4)], [alike(4)] * 3, runs)
    )
    assert equal < single < unlike


def test_every_run_of_the_baseline_has_the_same_weight() -> None:
    """A run with many launches has the same weight as one with few."""
    slow, fast = (faster(alike(n), f) for n, f in ((2, 1.0), (8, 1.21)))
    assert estimate_change(alike(3), slow, fast).point == pytest.approx(-math.log(1.1))


def test_one_launch_has_the_usual_error() -> None:
    """A run of one launch shows no spread; what is known of launches stands in for it."""
    once = replace(THROUGHPUT, launch=Prior(0.03, 4.0), run=Prior(0.0, 1e9))
    change = estimate_change(noisy(1, (1, 4)), noisy(2, (1, 4)), quantity=once)
    assert change.standard_error == pytest.approx(0.03 * math.sqrt(2))
    assert change.freedom == pytest.approx(8.0)
    beside = estimate_side_by_side(noisy(1, (1, 4)), once)
    assert (beside.standard_error, beside.freedom) == pytest.approx((0.03, 4.0))
    assert (beside.launches, beside.baseline_launches) == (1, math.inf)


def test_the_sign_is_that_of_what_is_better() -> None:
    """More memory is a negative change, and a ratio above 1 in the report."""

    def using(memory: float) -> Sample:
        block = Block(1.0, memory_bytes=memory)
        return Sample([Pair(block, block, 0), Pair(block, block, 1)])

    change = estimate_change(using(2e9), using(1e9), quantity=MEMORY)
    assert change.point == pytest.approx(-math.log(2))
    shown = change.interval(0.025, MEMORY.better)
    assert shown.point == pytest.approx(2.0)
    assert shown.low < 2.0 < shown.high
    assert change.interval(0.025).point == pytest.approx(0.5)


def test_the_peak_of_each_launch_counts() -> None:
    """Only the highest memory of a launch counts; blocks without one are left out."""

    def used(*values: tuple[int, float | None]) -> Sample:
        pairs = [(Block(1.0, memory_bytes=value), launch) for launch, value in values]
        return Sample(Pair(block, Block(1.0), launch) for block, launch in pairs)

    baseline = used((0, 1e9), (1, 1e9))
    current = used((1, None), (0, 1e9), (1, 4e9), (0, 2e8), (1, 3e9))
    change = estimate_change(current, baseline, quantity=MEMORY)
    assert change.point == pytest.approx(-math.log(4) / 2)
    with pytest.raises(NotMeasuredError, match="memory"):
        estimate_change(used((0, 1e9), (1, None)), baseline, quantity=MEMORY)


@pytest.mark.parametrize("lacking", [Block(1.0, p99_ms=5.0), Block(1.0, 1.0)])
def test_what_was_not_measured_cannot_be_compared(lacking: Block) -> None:
    """One block without the value or its pace is enough, in either run or arm."""
    whole = Block(1.0, 1.0, p99_ms=5.0)
    full = Pair(whole, whole, 0)
    good = Sample([full, full])
    for part in (
        replace(full, scenario=lacking),
        replace(full, reference=lacking),
    ):
        bad = Sample([full, part])
        with pytest.raises(NotMeasuredError, match="p99 or its pace was not measured"):
            estimate_side_by_side(bad, P99)
        if part.reference is whole:
            with pytest.raises(NotMeasuredError, match="p99"):
                estimate_change(bad, good, quantity=P99)
            with pytest.raises(NotMeasuredError, match="p99"):
                estimate_change(good, bad, quantity=P99)
    assert issubclass(NotMeasuredError, ValueError)


def test_values_of_two_kinds_are_not_compared() -> None:
    """Neither of two runs nor of two trees. What was not measured has no kind."""

    def run(scenario: Block, reference: Block) -> Sample:
        return Sample([Pair(scenario, reference, 0), Pair(scenario, reference, 1)])

    shared = Block(1.0, 1.0, memory_bytes=1e9)
    summed = replace(shared, memory_kind="rss")
    unknown = replace(summed, memory_bytes=None)
    ours, theirs = run(shared, shared), run(summed, shared)
    with pytest.raises(NotMeasuredError, match="memory was measured in two ways"):
        estimate_change(ours, theirs, quantity=MEMORY)
    with pytest.raises(NotMeasuredError, match="memory was measured in two ways"):
        estimate_apart(ours, theirs, MEMORY)
    with pytest.raises(NotMeasuredError, match="memory was measured in two ways"):
        estimate_side_by_side(run(shared, summed), MEMORY)
    assert estimate_side_by_side(run(summed, summed), MEMORY).point == 0.0
    assert estimate_side_by_side(run(shared, summed)).point == 0.0
    mixed = Sample([Pair(shared, shared, 0), Pair(unknown, shared, 0)])
    assert estimate_change(mixed, mixed, quantity=MEMORY).point == 0.0


def test_a_very_wide_interval_stays_finite() -> None:
    """Launches that differ enormously give a very wide interval with finite ends."""
    low, high = Block(1e-300, 1.0), Block(1e300, 1.0)
    wild = Sample([Pair(low, high, 0), Pair(high, low, 1)])
    for change in (estimate_change(wild, wild), estimate_side_by_side(wild)):
        interval = change.interval(0.025)
        assert interval.low < 1e-300
        assert 1e300 < interval.high < math.inf


def test_an_interval_omits_its_tail_on_each_side() -> None:
    """With a known error, the 95 % interval reaches 1.96 standard errors to each side."""
    change = Change(
        point=0.1, standard_error=0.02, freedom=1e9, launches=2, baseline_launches=2
    )
    got = change.interval(0.025)
    assert math.log(got.low) == pytest.approx(0.1 - 1.959964 * 0.02)
    assert math.log(got.high) == pytest.approx(0.1 + 1.959964 * 0.02)
    assert (got.point, got.confidence) == pytest.approx((math.exp(0.1), 0.95))


@given(st.floats(min_value=-5.0, max_value=5.0))
@properties
def test_the_tail_of_a_bound_is_the_normal_tail(bound: float) -> None:
    """The tail is the probability of the normal distribution beyond the bound."""
    assert tail_of(bound) == pytest.approx(stats.norm.sf(bound))


def test_a_stall_counts_in_p99_alone() -> None:
    """One block of each launch stalls: throughput is clipped, and p99 is not."""
    rng = Random(3)  # noqa: S311 -- noise, not a secret
    pairs = []
    for launch in range(8):
        for place in range(4):
            noise = rng.gauss(1.0, 0.01)
            stalls = place == launch % 4
            rps, p99_ms = (0.5 * noise, 300.0) if stalls else (noise, 100.0)
            ours = Block(rps, 1.0, p99_ms=p99_ms)
            theirs = Block(rng.gauss(1.0, 0.01), 1.0, p99_ms=100.0)
            pairs.append(Pair(ours, theirs, launch))
    sample = Sample(pairs)
    assert estimate_side_by_side(sample).point > math.log(0.97)
    assert estimate_side_by_side(sample, P99).point == pytest.approx(-math.log(3.0) / 4.0)
