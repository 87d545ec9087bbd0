"""Ratios and their intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from perf.stats import Block, Estimate, Pair, Sample, estimate_ratio
from perf.stats.ratio import LAUNCH
from tests.perf.stats.simulation import sd_of_a_machine

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

rates = st.floats(min_value=0.01, max_value=10_000.0)
blocks = st.builds(Block, rates)
pairs = st.builds(Pair, blocks, blocks, st.integers(0, 5))
samples = st.lists(pairs, min_size=2, max_size=24).map(Sample)
confidences = st.floats(min_value=0.5, max_value=0.99)


def scaled(sample: Sample, factor: float) -> Sample:
    """Return the sample with a scenario that is `factor` times as fast."""
    return Sample(replace(p, scenario=Block(p.scenario.rps * factor)) for p in sample.pairs)


def swapped(sample: Sample) -> Sample:
    """Return the sample with its arms swapped."""
    return Sample(Pair(p.reference, p.scenario, p.launch) for p in sample.pairs)


def of_launches(
    rng: np.random.Generator, shape: tuple[int, int], *, ratio: float, deviation: float
) -> Sample:
    """Return noisy pairs; `shape` is (launches, pairs in each launch).

    `deviation` is the standard deviation of a launch's mean, as a natural logarithm. Half
    of its variance is that of its pairs.
    """
    half = deviation / math.sqrt(2.0)
    logs = rng.normal(0.0, half, (shape[0], 1))
    logs = logs + rng.normal(0.0, half * math.sqrt(shape[1]), shape)
    return Sample(
        Pair(Block(5.0 * ratio * math.exp(log)), Block(5.0), launch)
        for launch, row in enumerate(logs)
        for log in row
    )


def mean_of_each_launch(sample: Sample) -> list[float]:
    """Return the mean log ratio of each launch, computed without the code under test."""
    logs: dict[int, list[float]] = {}
    for pair in sample.pairs:
        ratio = pair.scenario.rps / pair.reference.rps
        logs.setdefault(pair.launch, []).append(math.log(ratio))
    return [math.fsum(group) / len(group) for group in logs.values()]


def assert_close(left: Estimate, right: Estimate) -> None:
    """Assert that two estimates are equal except for rounding."""
    assert (left.point, left.low, left.high) == pytest.approx(
        (right.point, right.low, right.high), rel=1e-9
    )


def inverse(estimate: Estimate) -> Estimate:
    """Return the estimate of the reciprocal."""
    return Estimate(
        point=1 / estimate.point,
        low=1 / estimate.high,
        high=1 / estimate.low,
        confidence=estimate.confidence,
    )


@pytest.mark.parametrize(
    ("point", "low", "high", "confidence"),
    [
        (1.0, 1.1, 1.2, 0.95),
        (1.0, 0.8, 0.9, 0.95),
        (1.0, -0.1, 1.1, 0.95),
        (1.0, 0.9, math.inf, 0.95),
        (math.nan, 0.9, 1.1, 0.95),
        (1.0, math.nan, 1.1, 0.95),
        (1.0, 0.9, math.nan, 0.95),
        (1.0, 0.9, 1.1, 0.0),
        (1.0, 0.9, 1.1, 1.0),
        (1.0, 0.9, 1.1, math.nan),
    ],
)
def test_an_estimate_refuses_an_impossible_interval(
    point: float, low: float, high: float, confidence: float
) -> None:
    """The point must lie in the interval, all must be finite, the confidence a share."""
    with pytest.raises(ValueError, match=r"an estimate needs|confidence must lie"):
        Estimate(point=point, low=low, high=high, confidence=confidence)


@given(samples, confidences)
@properties
def test_the_point_is_the_geometric_mean_within_its_interval(
    sample: Sample, confidence: float
) -> None:
    """Every launch has the same weight in the mean, and the interval contains the mean."""
    estimate = estimate_ratio(sample, confidence=confidence)
    means = mean_of_each_launch(sample)
    assert estimate.point == pytest.approx(math.exp(math.fsum(means) / len(means)))
    assert estimate.low <= estimate.point <= estimate.high
    assert estimate.confidence == confidence


@pytest.mark.parametrize("launches", [1, 2, 5])
def test_each_launch_is_one_observation(launches: int) -> None:
    """The interval is Student's on the means of the launches, with a moderated variance.

    The usual variance counts as much as its degrees of freedom, that of the launches as
    much as theirs.
    """
    rng = np.random.default_rng(4)
    whole = of_launches(rng, (launches, 5), ratio=2.0, deviation=0.2)
    sample = Sample(whole.pairs[:-3])  # two pairs are left of the last launch
    means = mean_of_each_launch(sample)
    observed = np.var(means, ddof=1) if launches > 1 else 0.0
    freedom = LAUNCH.freedom + launches - 1
    variance = (LAUNCH.freedom * LAUNCH.sd**2 + (launches - 1) * observed) / freedom
    half = stats.t.isf(0.05, freedom) * math.sqrt(variance / launches)
    got = estimate_ratio(sample, confidence=0.9)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(
        (np.mean(means) - half, np.mean(means) + half)
    )


@given(samples, st.integers(2, 5))
@properties
def test_more_pairs_in_a_launch_are_no_more_evidence(sample: Sample, times: int) -> None:
    """Repeating every pair within its launch does not change the interval."""
    repeated = Sample(pair for pair in sample.pairs for _ in range(times))
    assert_close(estimate_ratio(repeated), estimate_ratio(sample))


@given(samples, st.floats(min_value=0.01, max_value=100.0))
@properties
def test_a_ratio_scales_with_its_scenario(sample: Sample, factor: float) -> None:
    """A scenario that is c times as fast has c times the ratio and its interval."""
    plain = estimate_ratio(sample, confidence=0.8)
    assume(plain.high < 1e200)  # a larger one could overflow below
    assume(plain.low > 1e-200)
    more = estimate_ratio(scaled(sample, factor), confidence=0.8)
    expected = Estimate(
        point=plain.point * factor,
        low=plain.low * factor,
        high=plain.high * factor,
        confidence=0.8,
    )
    assert_close(more, expected)


@given(samples)
@properties
def test_swapping_the_arms_gives_the_reciprocal(sample: Sample) -> None:
    """With the arms swapped, point and interval are the reciprocals."""
    plain = estimate_ratio(sample)
    assert_close(estimate_ratio(swapped(sample)), inverse(plain))


@given(samples, st.randoms(use_true_random=False))
@properties
def test_the_order_of_pairs_does_not_matter(sample: Sample, random: Random) -> None:
    """Shuffled pairs give the same estimate."""
    shuffled = list(sample.pairs)
    random.shuffle(shuffled)
    assert_close(estimate_ratio(Sample(shuffled)), estimate_ratio(sample))


@given(samples, confidences, confidences)
@properties
def test_more_confidence_needs_a_wider_interval(
    sample: Sample, one: float, other: float
) -> None:
    """The interval with the higher confidence contains the other."""
    less, more = sorted((one, other))
    inner = estimate_ratio(sample, confidence=less)
    outer = estimate_ratio(sample, confidence=more)
    assert outer.low <= inner.low
    assert inner.high <= outer.high


@given(pairs, st.integers(2, 24))
@properties
def test_equal_pairs_keep_the_usual_width(pair: Pair, n: int) -> None:
    """Pairs without any spread may be so by chance, so the interval keeps a width."""
    narrow = estimate_ratio(Sample(replace(pair, launch=k) for k in range(n)))
    assert narrow.low < narrow.point < narrow.high
    single = estimate_ratio(Sample(replace(pair, launch=0) for _ in range(n)))
    assert single.low < narrow.low
    assert narrow.high < single.high


def test_a_very_wide_interval_stays_finite() -> None:
    """Pairs that differ enormously give a very wide interval with finite ends."""
    low, high = Block(1e-300), Block(1e300)
    wild = Sample([Pair(low, high, 0), Pair(high, low, 1)])
    estimate = estimate_ratio(wild)
    assert estimate.low < 1e-300
    assert 1e300 < estimate.high < math.inf


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_confidence_is_a_share(confidence: float) -> None:
    """A confidence that is not between 0 and 1 is refused."""
    sample = Sample([Pair(Block(1.0), Block(1.0), 0), Pair(Block(2.0), Block(1.0), 0)])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        estimate_ratio(sample, confidence=confidence)


@pytest.mark.parametrize("shape", [(1, 3), (1, 6), (2, 8), (4, 4), (12, 2)])
def test_intervals_keep_their_confidence(shape: tuple[int, int]) -> None:
    """2.5 % of the 95 % intervals miss the truth on each side, within four standard errors.

    The machines differ as `LAUNCH` says. Four standard errors of a count of 2,000 with
    p = 0.025 are 28.
    """
    rng = np.random.default_rng(20250401)
    below = above = 0
    for _ in range(2_000):
        deviation = sd_of_a_machine(rng, LAUNCH)
        got = estimate_ratio(of_launches(rng, shape, ratio=3.0, deviation=deviation))
        below += got.high < 3.0
        above += got.low > 3.0
    assert [below, above] == [pytest.approx(50, abs=28)] * 2
