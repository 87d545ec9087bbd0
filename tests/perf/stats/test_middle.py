"""The middle of launches: it is that of a mean, until some lie far from the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import stdtr

from perf.stats.middle import middle_of
from perf.stats.moderated import Prior, moderated
from perf.stats.sample import squares
from tests.perf.stats.strategies import properties

PRIOR = Prior(0.02, 2.0)
values = st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=12).map(np.array)
shifts = st.floats(-1.0, 1.0)


@given(values, shifts)
@properties
def test_it_moves_with_the_launches(launches: NDArray[np.float64], by: float) -> None:
    """A shift of all launches shifts the middle as far, and not its error."""
    here, error = middle_of(launches, PRIOR)
    there, other = middle_of(launches + by, PRIOR)
    assert there - here == pytest.approx(by, abs=1e-6)
    assert other.value == pytest.approx(error.value, rel=1e-3)


@given(values)
@properties
def test_swapped_trees_change_its_sign(launches: NDArray[np.float64]) -> None:
    """The middle of the opposite differences is the opposite."""
    middle, error = middle_of(launches, PRIOR)
    other, same = middle_of(-launches, PRIOR)
    assert other == pytest.approx(-middle, abs=1e-6)
    assert same.value == pytest.approx(error.value, rel=1e-3)


@given(values)
@properties
def test_it_lies_among_the_launches(launches: NDArray[np.float64]) -> None:
    """The middle is between the lowest and the highest, and its error is finite."""
    middle, error = middle_of(launches, PRIOR)
    assert launches.min() - 1e-6 <= middle <= launches.max() + 1e-6
    assert 0.0 < error.value < np.inf
    assert error.freedom == pytest.approx(PRIOR.freedom + len(launches) - 1)


def test_without_an_outlier_it_is_the_mean() -> None:
    """Its error is then the mean's, too."""
    launches = np.array([-0.02, -0.01, 0.0, 0.015, 0.02])
    middle, error = middle_of(launches, PRIOR)
    mean = moderated(squares(launches), 4, PRIOR).times(0.2)
    assert middle == pytest.approx(launches.mean(), abs=1e-8)
    assert error.value == pytest.approx(mean.value, rel=1e-6)


@pytest.mark.parametrize("far", [0.12, 0.5, 5.0])
def test_a_launch_far_away_does_not_count_for_more_the_farther_it_is(far: float) -> None:
    """A launch that is slower by 11 % or by 99 % moves the middle equally."""
    others = np.array([-0.012, -0.004, 0.0, 0.003, 0.01, 0.008, -0.006])
    alone, _ = middle_of(others, PRIOR)
    middle, error = middle_of(np.append(others, -far), PRIOR)
    limit, _ = middle_of(np.append(others, -100.0), PRIOR)
    assert middle == pytest.approx(limit, abs=1e-8)
    assert alone - 0.01 < middle < alone
    mean = moderated(squares(np.append(others, -far)), 7, PRIOR).times(1 / 8)
    assert error.value < mean.value


@pytest.mark.parametrize("count", [4, 7, 10, 20])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "one server slower"])
def test_its_interval_holds_the_truth(kind: str, count: int) -> None:
    """Without any change, an interval of 99 % lies beside it in at most 2 % of the runs.

    The launches deviate by as much as the prior says.
    """
    rng = np.random.default_rng(count)
    shape = (4000, count)
    if kind == "normal":
        drawn = rng.normal(size=shape)
    elif kind == "heavy tails":
        drawn = rng.standard_t(3, size=shape) / np.sqrt(3.0)
    else:
        slower = 2.0 * rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=shape)
        drawn = 0.3 * rng.normal(size=shape) + slower
    missed = 0
    for launches in PRIOR.sd * drawn:
        middle, error = middle_of(launches, PRIOR)
        tail = 2.0 * stdtr(error.freedom, -abs(middle) / np.sqrt(error.value))
        missed += tail < 0.01
    assert missed / len(drawn) <= 0.02


def test_it_is_nearer_than_the_mean_where_servers_differ_now_and_then() -> None:
    """If one launch in five is off by 10 %, its error is a sixth smaller, and honest."""
    rng = np.random.default_rng(1)
    off = 0.1 * rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(2000, 10))
    drawn = 0.015 * rng.normal(size=off.shape) + off
    middles = np.array([middle_of(one, PRIOR)[0] for one in drawn])
    errors = np.array([middle_of(one, PRIOR)[1].value for one in drawn])
    assert middles.std() < 0.85 * drawn.mean(axis=1).std()
    assert np.sqrt(errors.mean()) == pytest.approx(middles.std(), rel=0.25)
