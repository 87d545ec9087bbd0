"""Which schedule of requests is typical."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stats.typical import LongWaits, waits
from tests.support.queueing import capacity_rps, waits_at_most


def poisson(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the times of a Poisson process with a mean gap of 1."""
    return np.cumsum(np.random.default_rng(seed).exponential(1.0, count))


@pytest.fixture(scope="module")
def long_waits() -> LongWaits:
    """What is a long wait in a Poisson process."""
    return LongWaits.of(poisson(200_000, seed=1))


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=40), st.floats(0.05, 3.0))
def test_a_wait_is_what_is_left_of_the_services_ahead(
    gaps: list[float], load: float
) -> None:
    """As one computes it request by request (Lindley's recursion)."""
    times = np.cumsum(gaps)
    free, expected = 0.0, []
    for arrived in times / load:
        begins = max(free, arrived)
        expected.append(begins - arrived)
        free = begins + 1.0
    assert waits(times, load) == pytest.approx(expected, abs=1e-6)


def test_the_waits_are_those_of_theory() -> None:
    """At a load of 0.8, the share of requests that wait at most 5 services."""
    seen = (waits(poisson(400_000, seed=2), 0.8) <= 5.0).mean()
    assert seen == pytest.approx(waits_at_most(5.0, 0.8, 1.0), abs=0.01)


def test_a_long_schedule_is_typical_and_an_even_one_is_not(long_waits: LongWaits) -> None:
    """Even requests never wait, so no share of them waits long."""
    assert long_waits.distance(poisson(200_000, seed=3)) < 0.02
    assert long_waits.distance(np.arange(300.0)) == pytest.approx(1.0)


def test_the_load_in_time_is_the_capacity_of_theory(long_waits: LongWaits) -> None:
    """Ten service times for 99 %."""
    found = long_waits.load_in_time(10.0, 0.99)
    assert found == pytest.approx(capacity_rps(0.99, 10.0, 1.0), rel=0.02)
    assert long_waits.load_in_time(0.9, 0.99) == 0.0
