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

from perf.stats import Estimate, Pair, Sample, estimate_ratio

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

rates = st.floats(min_value=0.01, max_value=10_000.0)
pairs = st.builds(Pair, rates, rates, st.integers(0, 5))
samples = st.lists(pairs, min_size=2, max_size=24).map(Sample)
confidences = st.floats(min_value=0.5, max_value=0.99)


def scaled(sample: Sample, factor: float) -> Sample:
    """Return the sample with a scenario that is `factor` times as fast."""
    return Sample(
        Pair(p.scenario_rps * factor, p.reference_rps, p.launch) for p in sample.pairs
    )


def swapped(sample: Sample) -> Sample:
    """Return the sample with its arms swapped."""
    return Sample(Pair(p.reference_rps, p.scenario_rps, p.launch) for p in sample.pairs)


def of_launches(
    rng: np.random.Generator, shape: tuple[int, int], *, ratio: float, between: float
) -> Sample:
    """Return noisy pairs; `shape` is (launches, pairs in each launch).

    `between` is the standard deviation between launches, as a natural logarithm.
    """
    logs = rng.normal(0.0, between, (shape[0], 1)) + rng.normal(0.0, 0.1, shape)
    return Sample(
        Pair(5.0 * ratio * math.exp(log), 5.0, launch)
        for launch, row in enumerate(logs)
        for log in row
    )


def mean_of_each_launch(sample: Sample) -> list[float]:
    """Return the mean log ratio of each launch, computed without the code under test."""
    logs: dict[int, list[float]] = {}
    for pair in sample.pairs:
        ratio = pair.scenario_rps / pair.reference_rps
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


def test_the_interval_is_that_of_the_textbook() -> None:
    """With one launch, the interval is that of scipy's t test on the log ratios."""
    sample = of_launches(np.random.default_rng(3), (1, 7), ratio=2.0, between=0.0)
    logs = [math.log(p.scenario_rps / p.reference_rps) for p in sample.pairs]
    expected = stats.ttest_1samp(logs, 0.0).confidence_interval(0.9)
    got = estimate_ratio(sample, confidence=0.9)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(tuple(expected))


def test_each_launch_is_one_observation() -> None:
    """With several launches, the interval is that of scipy's t test on their means."""
    whole = of_launches(np.random.default_rng(4), (5, 4), ratio=2.0, between=0.2)
    sample = Sample(whole.pairs[:-3])  # one pair is left of the last launch
    means = mean_of_each_launch(sample)
    expected = stats.ttest_1samp(means, 0.0).confidence_interval(0.9)
    got = estimate_ratio(sample, confidence=0.9)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(tuple(expected))


@given(samples, st.integers(2, 5))
@properties
def test_more_pairs_in_a_launch_are_no_more_evidence(sample: Sample, times: int) -> None:
    """Repeating every pair within its launch does not change the interval."""
    assume(len(set(sample.launches.tolist())) > 1)
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


@given(pairs, st.integers(2, 24), st.integers(1, 4))
@properties
def test_equal_pairs_give_no_width(pair: Pair, n: int, launches: int) -> None:
    """Without any spread the interval has no width, and no warning is raised."""
    ratio = estimate_ratio(Sample(replace(pair, launch=k % launches) for k in range(n)))
    assert (ratio.low, ratio.high) == pytest.approx((ratio.point, ratio.point), rel=1e-12)


def test_a_very_wide_interval_stays_finite() -> None:
    """Pairs that differ enormously give a very wide interval with finite ends."""
    wild = Sample([Pair(1e-300, 1e300, 0), Pair(1e300, 1e-300, 0)])
    estimate = estimate_ratio(wild)
    assert estimate.low < 1e-300
    assert 1e300 < estimate.high < math.inf


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_confidence_is_a_share(confidence: float) -> None:
    """A confidence that is not between 0 and 1 is refused."""
    sample = Sample([Pair(1.0, 1.0, 0), Pair(2.0, 1.0, 0)])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        estimate_ratio(sample, confidence=confidence)


@pytest.mark.parametrize("shape", [(1, 3), (1, 6), (1, 24), (2, 8), (4, 4), (12, 2)])
def test_intervals_keep_their_confidence(shape: tuple[int, int]) -> None:
    """2.5 % of the 95 % intervals miss the truth on each side, within four standard errors.

    Four standard errors of a count of 2,000 with p = 0.025 are 28. The interval of a single
    launch holds for the ratio of that launch, so launches do not differ in that case.
    """
    rng = np.random.default_rng(20250401)
    between = 0.2 if shape[0] > 1 else 0.0
    below = above = 0
    for _ in range(2_000):
        got = estimate_ratio(of_launches(rng, shape, ratio=3.0, between=between))
        below += got.high < 3.0
        above += got.low > 3.0
    assert [below, above] == [pytest.approx(50, abs=28)] * 2


@pytest.mark.parametrize("launches", [1, 2, 4])
def test_another_run_adds_its_spread(launches: int) -> None:
    """With the launches of another run, the interval keeps its confidence and is narrow.

    The bound on the misses is the same as above. The other run has another ratio.
    """
    rng = np.random.default_rng(20250402)
    below = above = 0
    widths = []
    for _ in range(2_000):
        sample = of_launches(rng, (launches, 2), ratio=3.0, between=0.2)
        other = of_launches(rng, (10, 2), ratio=5.0, between=0.2)
        got = estimate_ratio(sample, other)
        below += got.high < 3.0
        above += got.low > 3.0
        widths.append(math.log(got.high / got.low))
    assert [below, above] == [pytest.approx(50, abs=28)] * 2
    assert max(widths) < 3.0  # two launches alone give widths of 30 and more
