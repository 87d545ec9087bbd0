"""Bounds for repeated looks: against closed forms, another integral and simulation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

from perf.stats import sequential
from perf.stats.sequential import bounds

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None, max_examples=50)

LOOKS = [
    (0.5, 1.0),
    (0.2, 0.4, 0.6, 0.8, 1.0),
    (0.571, 0.8, 0.923, 1.0),  # as with a short baseline: the first look has over half
    (0.1, 0.95, 1.0),
    # As many launches as there can be, with a baseline of one: ever smaller steps.
    tuple((1 / 64 + 1) / (1 / seen + 1) for seen in range(2, 65)),
]
PATHS = 200_000

alphas = st.floats(min_value=0.0005, max_value=0.2)
rising = st.sets(st.integers(1, 20), min_size=1, max_size=6).map(
    lambda twentieths: tuple(k / 20 for k in sorted(twentieths))
)


def paths(fractions: tuple[float, ...]) -> NDArray[np.float64]:
    """Return simulated estimates without a change, in standard errors: (paths, looks).

    They are a Brownian motion over the square root of its time.
    """
    steps = np.sqrt(np.diff((0.0, *fractions)))
    moved = np.random.default_rng(20250401).normal(0.0, steps, (PATHS, len(fractions)))
    return np.asarray(moved.cumsum(axis=1) / np.sqrt(fractions))


def passed_by(fractions: tuple[float, ...], limits: list[float]) -> float:
    """Return the probability that some look passes its limit without a change.

    It is computed without the code under test, from the joint normal distribution of the
    looks. Two looks correlate with the square root of the quotient of their fractions.
    """
    seen = np.array(fractions)
    correlations = np.sqrt(np.minimum.outer(seen, seen) / np.maximum.outer(seen, seen))
    none = multivariate_normal.cdf(
        np.array(limits),
        cov=correlations,
        abseps=1e-7,
        maxpts=1_000_000,
        rng=np.random.default_rng(1),
    )
    return float(1.0 - none)


@given(alphas)
@properties
def test_one_look_is_a_plain_test(alpha: float) -> None:
    """The bound of a single look at the end is the quantile of the normal distribution."""
    assert bounds([1.0], alpha) == [pytest.approx(norm.isf(alpha))]


@given(alphas, st.floats(min_value=0.05, max_value=1.0))
@properties
def test_a_first_look_spends_by_its_fraction(alpha: float, fraction: float) -> None:
    """The first look spends alpha times the square of its fraction."""
    assert bounds([fraction], alpha) == [pytest.approx(norm.isf(alpha * fraction**2))]


@given(rising, alphas)
@properties
def test_later_looks_do_not_change_earlier_bounds(
    fractions: tuple[float, ...], alpha: float
) -> None:
    """The bound of a look depends on earlier looks only, so it is known at that look."""
    all_of_them = bounds(fractions, alpha)
    assert len(all_of_them) == len(fractions)
    for place in range(1, len(fractions)):
        assert bounds(fractions[:place], alpha) == all_of_them[:place]


@given(rising, alphas)
@properties
def test_looking_more_often_is_never_free(
    fractions: tuple[float, ...], alpha: float
) -> None:
    """With several looks, no bound is lower than that of a single look."""
    assert min(bounds(fractions, alpha)) >= norm.isf(alpha) - 1e-6


@given(rising, alphas, alphas)
@properties
def test_less_error_needs_higher_bounds(
    fractions: tuple[float, ...], one: float, other: float
) -> None:
    """A smaller alpha gives a higher bound at every look."""
    strict, lax = (bounds(fractions, alpha) for alpha in sorted((one, other)))
    assert all(far >= near - 1e-9 for far, near in zip(strict, lax, strict=True))


@pytest.mark.parametrize("alpha", [0.05, 0.0025])
@pytest.mark.parametrize("fractions", LOOKS)
def test_repeated_looks_keep_the_error(fractions: tuple[float, ...], alpha: float) -> None:
    """Of 200,000 simulated runs without a change, the share alpha passes some bound.

    Up to each look it is the share that may be spent by then, within four standard errors.
    """
    beyond = paths(fractions) > np.array(bounds(fractions, alpha))
    passed_by_then = np.logical_or.accumulate(beyond, axis=1).mean(axis=0)
    spent = [alpha * fraction**2 for fraction in fractions]
    for share, allowed in zip(passed_by_then, spent, strict=True):
        error = math.sqrt(allowed * (1.0 - allowed) / PATHS)
        assert share == pytest.approx(allowed, abs=4.0 * error)


def test_a_plain_quantile_at_every_look_errs_too_often() -> None:
    """Five looks at 5 % each raise a false alarm in 14 % of all runs."""
    beyond = paths(LOOKS[1]) > norm.isf(0.05)
    two_sided = np.abs(paths(LOOKS[1])) > norm.isf(0.025)
    assert two_sided.any(axis=1).mean() == pytest.approx(0.142, abs=0.004)
    assert beyond.any(axis=1).mean() > 0.1


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("alpha", [0.05, 0.0025])
@pytest.mark.parametrize("fractions", [(1 / 3, 2 / 3, 1.0), (0.571, 0.8, 1.0)])
def test_the_bounds_agree_with_another_integral(
    monkeypatch: pytest.MonkeyPatch,
    fractions: tuple[float, ...],
    alpha: float,
    power: float,
) -> None:
    """For every spending function, the joint normal distribution gives the same error."""
    monkeypatch.setattr(sequential, "SPENDING_POWER", power)
    limits = bounds(fractions, alpha)
    assert limits[0] == pytest.approx(norm.isf(alpha * fractions[0] ** power))
    for looks in (2, 3):
        spent = alpha * fractions[looks - 1] ** power
        passed = passed_by(fractions[:looks], limits[:looks])
        assert passed == pytest.approx(spent, abs=1e-6)


def test_late_spending_makes_the_first_looks_strict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The higher the power, the higher the first bound and the lower the last."""
    firsts, lasts = [], []
    for power in (1.0, 2.0, 3.0):
        monkeypatch.setattr(sequential, "SPENDING_POWER", power)
        first, *_, last = bounds(LOOKS[1], 0.025)
        firsts.append(first)
        lasts.append(last)
    assert all(early < late for early, late in pairwise(firsts))
    assert all(early > late for early, late in pairwise(lasts))


@pytest.mark.parametrize(
    "fractions",
    [
        [],
        [0.0, 1.0],
        [-0.5, 1.0],
        [0.5, 0.5],
        [0.8, 0.5],
        [0.5, 1.01],
        [math.nan],
        [0.5, math.nan],
        [math.nan, 1.0],
    ],
)
def test_fractions_must_rise_within_the_whole(fractions: list[float]) -> None:
    """Fractions that are empty, not rising, NaN, at most 0 or above 1 are refused."""
    with pytest.raises(ValueError, match="fractions must rise within 0 to 1"):
        bounds(fractions, 0.05)


@pytest.mark.parametrize("alpha", [0.0, -0.1, 0.5, 1.0, 5.0, math.nan])
def test_alpha_is_the_error_of_one_side(alpha: float) -> None:
    """An alpha of 0 or less, or of one half or more, is refused."""
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 0\.5"):
        bounds([0.5, 1.0], alpha)
