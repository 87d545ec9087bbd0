"""Samples, ratios, intervals and verdicts: what must hold for every input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from perf.stats import (
    Estimate,
    Pair,
    Sample,
    TooFewPairs,
    Verdict,
    estimate_change,
    estimate_ratio,
    judge,
    percentiles,
    throughput_rps,
)

# The same examples in every run, and no limit on the time that one of them takes.
properties = settings(derandomize=True, deadline=None)

rates = st.floats(min_value=0.01, max_value=10_000.0)
pairs = st.builds(Pair, rates, rates, st.integers(0, 5))
samples = st.lists(pairs, min_size=2, max_size=24).map(Sample)
tolerances = st.floats(min_value=0.01, max_value=0.9)
confidences = st.floats(min_value=0.5, max_value=0.99)
ratios = st.floats(min_value=0.01, max_value=100.0)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """Draw an interval anywhere on the scale of ratios, with a point in it."""
    low, point, high = sorted(draw(st.tuples(ratios, ratios, ratios)))
    return Estimate(point=point, low=low, high=high, confidence=0.95)


def scaled(sample: Sample, factor: float) -> Sample:
    """Return the sample with a scenario that is `factor` times as fast."""
    return Sample(
        Pair(p.scenario_rps * factor, p.reference_rps, p.launch) for p in sample.pairs
    )


def swapped(sample: Sample) -> Sample:
    """Return the sample with its arms in each other's place."""
    return Sample(Pair(p.reference_rps, p.scenario_rps, p.launch) for p in sample.pairs)


def noisy(rng: np.random.Generator, n: int, *, ratio: float, deviation: float) -> Sample:
    """Return n pairs about a true `ratio`; `deviation` is that of the log ratio."""
    factors = np.exp(rng.normal(0.0, deviation, n))
    return Sample(Pair(5.0 * ratio * float(f), 5.0, 0) for f in factors)


def assert_close(left: Estimate, right: Estimate) -> None:
    """Hold two estimates to be the same but for rounding."""
    assert (left.point, left.low, left.high) == pytest.approx(
        (right.point, right.low, right.high), rel=1e-9
    )


def inverse(estimate: Estimate) -> Estimate:
    """Return the estimate as it looks from the other side."""
    return Estimate(
        point=1 / estimate.point,
        low=1 / estimate.high,
        high=1 / estimate.low,
        confidence=estimate.confidence,
    )


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_pair_refuses_a_rate_that_is_none(rate: float) -> None:
    """Neither arm of a pair can hold zero, less than zero, NaN or infinity."""
    with pytest.raises(ValueError, match="scenario_rps must be finite and above zero"):
        Pair(rate, 1.0, 0)
    with pytest.raises(ValueError, match="reference_rps must be finite and above zero"):
        Pair(1.0, rate, 0)


@pytest.mark.parametrize("count", [0, 1])
def test_a_sample_refuses_fewer_than_two_pairs(count: int) -> None:
    """A sample without a spread cannot exist; the fault is typed and counts the pairs."""
    with pytest.raises(TooFewPairs, match=f"at least 2 pairs, not {count}"):
        Sample([Pair(1.0, 1.0, 0)] * count)
    assert issubclass(TooFewPairs, ValueError)


def test_a_sample_keeps_the_order_of_its_pairs() -> None:
    """Log ratios and launches come as float64 and int64, one for each pair, in order."""
    sample = Sample(Pair(math.e**k, 1.0, launch) for k, launch in ((2, 0), (1, 0), (3, 1)))
    assert len(sample) == 3
    assert sample.log_ratios.dtype == np.float64
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert sample.launches.dtype == np.int64
    assert sample.launches.tolist() == [0, 0, 1]


def test_a_sample_cannot_be_changed() -> None:
    """Neither its field nor the arrays it hands out lead back into it."""
    sample = Sample([Pair(2.0, 1.0, 0), Pair(3.0, 1.0, 0)])
    before = sample.log_ratios.tolist()
    sample.log_ratios[0] = 99.0
    with pytest.raises(AttributeError):
        sample.pairs = ()  # type: ignore[misc]
    assert sample.log_ratios.tolist() == before


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
def test_an_estimate_refuses_what_is_no_interval(
    point: float, low: float, high: float, confidence: float
) -> None:
    """The point lies in the interval, all is finite, the confidence is a share."""
    with pytest.raises(ValueError, match=r"an estimate needs|confidence must lie"):
        Estimate(point=point, low=low, high=high, confidence=confidence)


@given(samples, confidences)
@properties
def test_the_point_is_the_geometric_mean_within_its_interval(
    sample: Sample, confidence: float
) -> None:
    """The point is the geometric mean of the pairs' ratios and lies in the interval."""
    estimate = estimate_ratio(sample, confidence=confidence)
    product = sum(math.log(p.scenario_rps / p.reference_rps) for p in sample.pairs)
    assert estimate.point == pytest.approx(math.exp(product / len(sample)))
    assert estimate.low <= estimate.point <= estimate.high
    assert estimate.confidence == confidence


def test_the_intervals_are_those_of_the_textbook() -> None:
    """Student's and Welch's intervals agree with scipy's own tests on the log ratios."""
    rng = np.random.default_rng(3)
    current = noisy(rng, 7, ratio=2.0, deviation=0.2)
    baseline = noisy(rng, 12, ratio=2.5, deviation=0.05)
    one = stats.ttest_1samp(current.log_ratios, 0.0).confidence_interval(0.9)
    two = stats.ttest_ind(current.log_ratios, baseline.log_ratios, equal_var=False)
    two = two.confidence_interval(0.9)
    ratio = estimate_ratio(current, confidence=0.9)
    change = estimate_change(current, baseline, confidence=0.9)
    assert (ratio.low, ratio.high) == pytest.approx((math.exp(one.low), math.exp(one.high)))
    assert (change.low, change.high) == pytest.approx(
        (math.exp(two.low), math.exp(two.high))
    )


@given(samples, st.floats(min_value=0.01, max_value=100.0))
@properties
def test_a_ratio_scales_with_its_scenario(sample: Sample, factor: float) -> None:
    """A scenario that is c times as fast has c times the ratio, and so the interval."""
    plain = estimate_ratio(sample, confidence=0.8)
    assume(plain.high < 1e200)  # beyond lies the end of the floats
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
    """Neither arm is privileged: swapped, the interval is turned over."""
    plain = estimate_ratio(sample)
    assert_close(estimate_ratio(swapped(sample)), inverse(plain))


@given(samples, samples)
@properties
def test_swapping_the_runs_gives_the_reciprocal(left: Sample, right: Sample) -> None:
    """A change seen backwards is its own reciprocal, interval and all."""
    plain = estimate_change(left, right)
    assert_close(estimate_change(right, left), inverse(plain))


@given(samples, samples, st.floats(min_value=0.01, max_value=100.0))
@properties
def test_a_change_forgets_the_machine(left: Sample, right: Sample, factor: float) -> None:
    """A factor common to both runs' ratios does not touch the change between them."""
    plain = estimate_change(left, right)
    assert_close(estimate_change(scaled(left, factor), scaled(right, factor)), plain)


@given(samples, samples)
@properties
def test_the_point_of_a_change_is_the_quotient(left: Sample, right: Sample) -> None:
    """The change is the current ratio over the baseline's, within its interval."""
    change = estimate_change(left, right)
    quotient = estimate_ratio(left).point / estimate_ratio(right).point
    assert change.point == pytest.approx(quotient)
    assert change.low <= change.point <= change.high


@given(samples, st.randoms(use_true_random=False))
@properties
def test_the_order_of_pairs_does_not_matter(sample: Sample, random: Random) -> None:
    """Pairs are exchangeable: shuffled, they say the same."""
    shuffled = list(sample.pairs)
    random.shuffle(shuffled)
    assert_close(estimate_ratio(Sample(shuffled)), estimate_ratio(sample))


@given(samples, confidences, confidences)
@properties
def test_more_confidence_needs_a_wider_interval(
    sample: Sample, one: float, other: float
) -> None:
    """The interval of the higher confidence contains that of the lower."""
    less, more = sorted((one, other))
    inner = estimate_ratio(sample, confidence=less)
    outer = estimate_ratio(sample, confidence=more)
    assert outer.low <= inner.low
    assert inner.high <= outer.high


@given(pairs, st.integers(2, 24), st.integers(2, 24))
@properties
def test_pairs_all_alike_give_no_width(pair: Pair, n: int, m: int) -> None:
    """Without a spread the interval is its point, and no warning is raised on the way."""
    left, right = Sample([pair] * n), Sample([pair] * m)
    ratio = estimate_ratio(left)
    change = estimate_change(left, right)
    assert ratio.low == pytest.approx(ratio.high, rel=1e-12)
    assert (change.low, change.point, change.high) == pytest.approx((1, 1, 1), rel=1e-12)


def test_the_error_of_the_baseline_enters() -> None:
    """Against a noisy baseline the change is less certain than the current ratio is."""
    rng = np.random.default_rng(5)
    current = noisy(rng, 12, ratio=2.0, deviation=0.02)
    noisy_baseline = noisy(rng, 12, ratio=2.0, deviation=0.2)
    calm_baseline = Sample([Pair(2.0, 1.0, 0)] * 12)
    ratio = estimate_ratio(current)
    against_noise = estimate_change(current, noisy_baseline)
    against_calm = estimate_change(current, calm_baseline)
    width = math.log(ratio.high / ratio.low)
    assert math.log(against_calm.high / against_calm.low) == pytest.approx(width)
    assert math.log(against_noise.high / against_noise.low) > 3 * width


def test_an_interval_beyond_the_floats_stays_finite() -> None:
    """Two pairs that contradict each other wildly still give an interval, a vast one."""
    wild = Sample([Pair(1e-300, 1e300, 0), Pair(1e300, 1e-300, 0)])
    estimate = estimate_ratio(wild)
    assert estimate.low < 1e-300
    assert 1e300 < estimate.high < math.inf


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_confidence_is_a_share(confidence: float) -> None:
    """Both estimators refuse a confidence that is not between 0 and 1."""
    sample = Sample([Pair(1.0, 1.0, 0), Pair(2.0, 1.0, 0)])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        estimate_ratio(sample, confidence=confidence)
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        estimate_change(sample, sample, confidence=confidence)


def missed(estimate: Callable[[np.random.Generator], Estimate], truth: float) -> list[int]:
    """Return how many of 2,000 intervals lay wholly below the truth, and wholly above."""
    rng = np.random.default_rng(20250401)
    below = above = 0
    for _ in range(2_000):
        got = estimate(rng)
        below += got.high < truth
        above += got.low > truth
    return [below, above]


@pytest.mark.parametrize("n", [3, 6, 12, 24])
def test_a_ratio_lies_in_its_interval_as_often_as_promised(n: int) -> None:
    """Of 95 % intervals 2.5 % miss on either side, give or take four standard errors.

    Four standard errors of a count of 2,000 with p = 0.025 are 28.
    """
    misses = missed(
        lambda rng: estimate_ratio(noisy(rng, n, ratio=3.0, deviation=0.1)), 3.0
    )
    assert misses == [pytest.approx(50, abs=28)] * 2


@pytest.mark.parametrize(
    ("n", "m", "calmer"), [(6, 6, 1), (6, 24, 1), (12, 12, 4), (24, 6, 1)]
)
def test_a_change_lies_in_its_interval_as_often_as_promised(
    n: int, m: int, calmer: int
) -> None:
    """The same holds for a change, with fewer pairs or less noise in one of the runs."""

    def change(rng: np.random.Generator) -> Estimate:
        current = noisy(rng, n, ratio=2.4, deviation=0.1)
        baseline = noisy(rng, m, ratio=3.0, deviation=0.1 / calmer)
        return estimate_change(current, baseline)

    assert missed(change, 0.8) == [pytest.approx(50, abs=28)] * 2


@given(estimates(), tolerances)
@properties
def test_a_verdict_follows_the_whole_interval(change: Estimate, tolerance: float) -> None:
    """The four verdicts part all intervals among them: below, above, within, or across."""
    least, most = 1 - tolerance, 1 / (1 - tolerance)
    below, above = change.high < least, change.low > most
    within = least <= change.low and change.high <= most
    expected = {
        (True, False, False): Verdict.REGRESSED,
        (False, True, False): Verdict.IMPROVED,
        (False, False, True): Verdict.UNCHANGED,
        (False, False, False): Verdict.INCONCLUSIVE,
    }
    assert judge(change, tolerance) is expected[below, above, within]


@given(estimates(), tolerances)
@properties
def test_a_verdict_is_mirrored_when_the_runs_are_swapped(
    change: Estimate, tolerance: float
) -> None:
    """Seen backwards, a regression is an improvement; the other verdicts stay."""
    for end in (change.low, change.high):  # on the very edge the rounding decides
        for edge in (1 - tolerance, 1 / (1 - tolerance)):
            assume(not math.isclose(end, edge, rel_tol=1e-12))
    mirror = {
        Verdict.REGRESSED: Verdict.IMPROVED,
        Verdict.IMPROVED: Verdict.REGRESSED,
        Verdict.UNCHANGED: Verdict.UNCHANGED,
        Verdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    }
    assert judge(inverse(change), tolerance) is mirror[judge(change, tolerance)]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.5, 0.79, Verdict.REGRESSED),
        (0.5, 0.8, Verdict.INCONCLUSIVE),
        (0.79, 1.0, Verdict.INCONCLUSIVE),
        (0.8, 1.25, Verdict.UNCHANGED),
        (1.0, 1.26, Verdict.INCONCLUSIVE),
        (1.25, 2.0, Verdict.INCONCLUSIVE),
        (1.26, 2.0, Verdict.IMPROVED),
        (0.5, 2.0, Verdict.INCONCLUSIVE),
    ],
)
def test_the_band_of_a_fifth(low: float, high: float, verdict: Verdict) -> None:
    """With a tolerance of 0.2 the band is 0.8 to 1.25, its ends included."""
    change = Estimate(point=(low + high) / 2, low=low, high=high, confidence=0.95)
    assert judge(change, 0.2) is verdict


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -0.1, 20.0, math.nan])
def test_a_tolerance_is_a_share(tolerance: float) -> None:
    """A tolerance that is not between 0 and 1 is refused."""
    change = Estimate(point=1.0, low=0.9, high=1.1, confidence=0.95)
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1"):
        judge(change, tolerance)


@pytest.mark.parametrize(
    ("current_ratio", "verdict"),
    [(2.1, Verdict.REGRESSED), (3.0, Verdict.UNCHANGED), (3.0 / 0.7, Verdict.IMPROVED)],
)
def test_a_plain_case_is_decided(current_ratio: float, verdict: Verdict) -> None:
    """A loss of 30 %, no change and the gain that undoes the loss are all seen as such.

    Twelve pairs a run, a log deviation of 0.05 and a tolerance of 0.15: the interval
    reaches 0.04 to each side, half the way to the nearest edge of the band.
    """
    rng = np.random.default_rng(11)
    verdicts = {
        judge(
            estimate_change(
                noisy(rng, 12, ratio=current_ratio, deviation=0.05),
                noisy(rng, 12, ratio=3.0, deviation=0.05),
            ),
            0.15,
        )
        for _ in range(100)
    }
    assert verdicts == {verdict}


def test_too_little_evidence_is_no_pass() -> None:
    """Two noisy pairs a run decide nothing, even where the truth has not changed."""
    rng = np.random.default_rng(13)
    current, baseline = (noisy(rng, 2, ratio=3.0, deviation=0.1) for _ in range(2))
    assert judge(estimate_change(current, baseline), 0.1) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("tolerance", [0.05, 0.1, 0.2])
def test_a_change_on_the_edge_seldom_passes_for_more(tolerance: float) -> None:
    """Where the truth lies on the band's edge, either wrong verdict has 2.5 % at most.

    The bound is 2.5 % of 1,000 runs and four standard errors of that count: 45.
    """
    rng = np.random.default_rng(17)
    counts = dict.fromkeys(Verdict, 0)
    for _ in range(1_000):
        current = noisy(rng, 8, ratio=3.0 * (1 - tolerance), deviation=0.1)
        baseline = noisy(rng, 8, ratio=3.0, deviation=0.1)
        counts[judge(estimate_change(current, baseline), tolerance)] += 1
    assert counts[Verdict.REGRESSED] <= 45
    assert counts[Verdict.UNCHANGED] + counts[Verdict.IMPROVED] <= 45


def test_verdicts_are_plain_words() -> None:
    """A verdict is written into a report, or a JSON file, as its words."""
    words = ["regressed", "unchanged", "improved", "inconclusive", "no baseline", "invalid"]
    assert [str(verdict) for verdict in Verdict] == words
    assert json.dumps(Verdict.NO_BASELINE) == '"no baseline"'


@given(st.lists(st.floats(min_value=0.0, max_value=1e6), min_size=1, max_size=200))
@properties
def test_percentiles_rise_within_the_latencies(latencies_ms: list[float]) -> None:
    """The four rise in their order, none lies outside what was measured."""
    got = percentiles(latencies_ms)
    assert list(got) == ["p50", "p90", "p95", "p99"]
    values = list(got.values())
    assert all(a <= b for a, b in pairwise(values))
    assert min(latencies_ms) <= values[0] <= values[-1] <= max(latencies_ms)


def test_percentiles_are_interpolated() -> None:
    """Over 0, 1, ..., 100 ms each percentile is its own number; between, a line."""
    whole = percentiles([float(ms) for ms in range(101)])
    assert whole == pytest.approx({"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0})
    assert percentiles([10.0, 20.0])["p90"] == pytest.approx(19.0)


def test_percentiles_of_nothing_are_refused() -> None:
    """No latencies, or one that is no number, is a fault and not a NaN in a report."""
    with pytest.raises(ValueError, match="at least one latency"):
        percentiles([])
    with pytest.raises(ValueError, match="every latency must be finite"):
        percentiles([1.0, math.nan])


def test_throughput_is_images_over_time() -> None:
    """Ten images in four seconds are 2.5 a second; none at all are 0."""
    assert throughput_rps(10, 4.0) == pytest.approx(2.5)
    assert throughput_rps(0, 4.0) == 0.0


@pytest.mark.parametrize(
    ("images", "duration_s", "named"),
    [
        (-1, 1.0, "images"),
        (1, 0.0, "duration_s"),
        (1, -1.0, "duration_s"),
        (1, math.nan, "duration_s"),
        (1, math.inf, "duration_s"),
    ],
)
def test_throughput_refuses_what_is_no_block(
    images: int, duration_s: float, named: str
) -> None:
    """A negative count, or a time that is not above zero, is named in the fault."""
    with pytest.raises(ValueError, match=named):
        throughput_rps(images, duration_s)
