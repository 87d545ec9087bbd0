"""Moderated variances: of few observations, of sums, and the prior of many machines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import polygamma

from perf.stats.moderated import Prior, Variance, fitted, moderated, sum_of

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

sds = st.floats(min_value=1e-4, max_value=10.0)
freedoms = st.floats(min_value=0.5, max_value=1e4)
priors = st.builds(Prior, sds, freedoms)
variances = st.builds(Variance, st.floats(min_value=1e-8, max_value=10.0), freedoms)


def drawn(
    prior: Prior, *, machines: int, freedom: int, seed: int = 20250401
) -> list[tuple[float, int]]:
    """Return the estimated variances of machines whose true ones follow the prior."""
    rng = np.random.default_rng(seed)
    true = prior.sd**2 * prior.freedom / rng.chisquare(prior.freedom, machines)
    estimated = true * rng.chisquare(freedom, machines) / freedom
    return [(value, freedom) for value in estimated.tolist()]


@pytest.mark.parametrize(
    ("sd", "freedom"),
    [(-0.1, 4.0), (0.1, 0.0), (0.1, -1.0), (math.nan, 4.0), (1, math.nan)],
)
def test_a_prior_refuses_impossible_values(sd: float, freedom: float) -> None:
    """A negative deviation, no freedom, and NaN are refused."""
    with pytest.raises(ValueError, match="a prior needs sd >= 0 and freedom > 0"):
        Prior(sd, freedom)


@given(priors)
@properties
def test_without_observations_the_prior_alone_holds(prior: Prior) -> None:
    """A single launch has no spread: variance and freedom are those of the prior."""
    got = moderated(0.0, 0, prior)
    assert (got.value, got.freedom) == pytest.approx((prior.sd**2, prior.freedom))


@given(sds, st.floats(min_value=0.0, max_value=10.0), st.integers(1, 10))
@properties
def test_a_prior_of_huge_freedom_wins(sd: float, squares: float, freedom: int) -> None:
    """Where all machines are alike, a few observations say nothing new."""
    got = moderated(squares, freedom, Prior(sd, 1e15))
    assert got.value == pytest.approx(sd**2, rel=1e-4)


@given(sds, st.floats(min_value=1e-3, max_value=10.0), st.integers(1, 10))
@properties
def test_a_prior_of_no_freedom_says_nothing(
    sd: float, squares: float, freedom: int
) -> None:
    """Where nothing is known of other machines, the observations alone count."""
    got = moderated(squares, freedom, Prior(sd, 1e-9))
    assert got.value == pytest.approx(squares / freedom, rel=1e-4)
    assert got.freedom == pytest.approx(freedom)


@given(priors, st.floats(min_value=0.0, max_value=10.0), st.integers(1, 10))
@properties
def test_a_moderated_variance_lies_between_both(
    prior: Prior, squares: float, freedom: int
) -> None:
    """It lies between the observed variance and the usual one, and the freedoms add."""
    got = moderated(squares, freedom, prior)
    low, high = sorted((squares / freedom, prior.sd**2))
    assert low * (1 - 1e-9) <= got.value <= high * (1 + 1e-9)
    assert got.freedom == pytest.approx(prior.freedom + freedom)


def test_the_error_of_a_moderated_variance_is_students() -> None:
    """Over machines that follow the prior, the estimate over its error is Student's t."""
    rng, prior, observations = np.random.default_rng(5), Prior(0.02, 4.0), 2
    sd = prior.sd * np.sqrt(prior.freedom / rng.chisquare(prior.freedom, 4_000))
    values = rng.normal(size=(4_000, observations)) * sd[:, None]
    ratios = []
    for row in values:
        spread = float(np.sum((row - row.mean()) ** 2))
        variance = moderated(spread, observations - 1, prior).times(1 / observations)
        ratios.append(row.mean() / math.sqrt(variance.value))
    assert stats.kstest(ratios, stats.t(5).cdf).pvalue > 0.001


@given(variances, st.integers(1, 12))
@properties
def test_equal_parts_add_their_freedoms(part: Variance, number: int) -> None:
    """Of n equal parts, both the variance and the freedom are n times that of one."""
    got = sum_of(*[part] * number)
    assert got.value == pytest.approx(number * part.value)
    assert got.freedom == pytest.approx(number * part.freedom)


@given(st.lists(variances, min_size=1, max_size=6))
@properties
def test_the_freedom_of_a_sum_lies_between_its_parts(parts: list[Variance]) -> None:
    """It is at least that of the least certain part, and at most that of all together."""
    freedom = sum_of(*parts).freedom
    assert freedom >= min(part.freedom for part in parts) * (1 - 1e-9)
    assert freedom <= sum(part.freedom for part in parts) * (1 + 1e-9)


@given(st.lists(variances, min_size=1, max_size=6), st.floats(0.01, 100.0))
@properties
def test_a_factor_does_not_change_the_freedom(parts: list[Variance], factor: float) -> None:
    """A sum of multiplied parts is the multiplied sum."""
    got = sum_of(*(part.times(factor) for part in parts))
    plain = sum_of(*parts)
    assert got.value == pytest.approx(plain.value * factor)
    assert got.freedom == pytest.approx(plain.freedom)


def test_a_large_part_decides_over_the_freedom() -> None:
    """Beside a very large variance, a small one counts for neither value nor freedom."""
    got = sum_of(Variance(1.0, 3.0), Variance(1e-9, 500.0))
    assert (got.value, got.freedom) == pytest.approx((1.0, 3.0))


def test_a_sum_of_nothing_keeps_the_least_freedom() -> None:
    """Parts without any variance give no division by zero."""
    assert sum_of(Variance(0.0, 7.0), Variance(0.0, 3.0)) == Variance(0.0, 3.0)


def test_unequal_variances_are_those_of_welch() -> None:
    """Without a prior, two samples give the error and the freedom of Welch's test."""
    rng = np.random.default_rng(3)
    one, other = rng.normal(0.0, 1.0, 5), rng.normal(0.0, 7.0, 9)
    parts = [
        moderated(float(v.var() * len(v)), len(v) - 1, Prior(1.0, 1e-12)).times(1 / len(v))
        for v in (one, other)
    ]
    got = sum_of(*parts)
    expected = stats.ttest_ind(one, other, equal_var=False)
    assert got.freedom == pytest.approx(expected.df)
    difference = one.mean() - other.mean()
    assert difference / math.sqrt(got.value) == pytest.approx(expected.statistic)


@pytest.mark.parametrize("prior", [Prior(0.012, 4.0), Prior(0.03, 2.0), Prior(0.5, 20.0)])
@pytest.mark.parametrize("freedom", [1, 3, 10])
def test_a_known_prior_is_found_again(prior: Prior, freedom: int) -> None:
    """From 20,000 simulated machines, deviation and freedom come out as they went in.

    The freedom tells how much the logarithms of the true variances vary: by the trigamma
    function of its half. That is found within four standard errors of a variance.
    """
    machines, halves = 20_000, (prior.freedom / 2, freedom / 2)
    got = fitted(drawn(prior, machines=machines, freedom=freedom))
    assert got.sd == pytest.approx(prior.sd, rel=0.05)
    varied = sum(float(polygamma(1, half)) for half in halves)
    fourth = sum(float(polygamma(3, half)) for half in halves) + 2 * varied**2
    error = math.sqrt(fourth / machines)
    found, expected = (float(polygamma(1, each.freedom / 2)) for each in (got, prior))
    assert found == pytest.approx(expected, abs=4 * error)


def test_variances_of_unequal_certainty_are_put_together() -> None:
    """Machines with few and with many launches together tell the same prior."""
    prior = Prior(0.02, 6.0)
    few = drawn(prior, machines=10_000, freedom=2, seed=1)
    many = drawn(prior, machines=10_000, freedom=12, seed=2)
    got = fitted([*few, *many])
    assert got.sd == pytest.approx(prior.sd, rel=0.05)
    assert got.freedom == pytest.approx(prior.freedom, rel=0.25)


def test_variances_that_differ_by_chance_alone_are_one() -> None:
    """If all machines are truly alike, the freedom is very large.

    Chance decides which of two samples of machines varies less than expected; with equal
    estimates it is certain.
    """
    equal = fitted([(4e-4, 3)] * 10)
    assert equal.freedom >= 1e6
    many = fitted(drawn(Prior(0.02, 1e12), machines=20_000, freedom=3))
    assert many.freedom > 100.0
    assert many.sd == pytest.approx(0.02, rel=0.02)


@given(st.lists(st.tuples(st.floats(1e-6, 1.0), st.integers(1, 9)), min_size=2), sds)
@properties
def test_a_fitted_prior_scales_with_the_variances(
    few: list[tuple[float, int]], factor: float
) -> None:
    """Deviations c times as large give c times the deviation, and the same freedom."""
    plain = fitted(few)
    scaled = fitted([(value * factor**2, freedom) for value, freedom in few])
    assert scaled.sd == pytest.approx(plain.sd * factor, rel=1e-3)
    assert math.log(scaled.freedom) == pytest.approx(math.log(plain.freedom), abs=0.1)


@pytest.mark.parametrize(
    "few",
    [[], [(1.0, 3)], [(1.0, 3), (0.0, 3)], [(1.0, 3), (-1.0, 3)], [(1.0, 3), (1.0, 0)]],
)
def test_a_prior_is_not_fitted_to_nothing(few: list[tuple[float, int]]) -> None:
    """Fewer than two variances, one that is not positive, or no freedom are refused."""
    with pytest.raises(ValueError, match="two or more variances above zero"):
        fitted(few)
