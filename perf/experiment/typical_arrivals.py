"""The arrivals of a probe: of many seeds, the one whose schedule is most typical."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

from perf.load.arrivals.base import Arrivals
from perf.stats.typical import LongWaits

_TRIES = 1500
_MOST_DRAWN = 1_000_000
"""Requests drawn to choose one schedule: of long ones fewer are tried."""

_LONG = 200_000
"""How many requests tell what is typical."""


def typical(arrivals: Arrivals, jobs: int, seed: int) -> Arrivals:
    """Return `arrivals` with the most typical schedule of `jobs` requests.

    The same `jobs` and `seed` give the same schedule, at any rate.
    """
    assert arrivals.rate_rps is not None
    unit = arrivals.at_rate(1.0).seeded(0)
    if unit.seeded(1) == unit:  # nothing is random
        return arrivals
    return arrivals.seeded(_typical_seed(unit, jobs, seed))


def load_in_time(arrivals: Arrivals, within: float, share: float) -> float:
    """Return the load at which `share` of the requests end within so many service times.

    It is that of a server with a constant service time, as a share of what it can do.
    """
    return _long_waits(arrivals.at_rate(1.0).seeded(0)).load_in_time(within, share)


@functools.cache
def _typical_seed(unit: Arrivals, jobs: int, seed: int) -> int:
    tries = max(1, min(_TRIES, _MOST_DRAWN // jobs))
    long_waits = _long_waits(unit)
    seeds = range(seed * _TRIES, seed * _TRIES + tries)
    return min(seeds, key=lambda one: long_waits.distance(_times(unit.seeded(one), jobs)))


@functools.cache
def _long_waits(unit: Arrivals) -> LongWaits:
    return LongWaits.of(_times(unit.seeded(-1), _LONG))


def _times(arrivals: Arrivals, jobs: int) -> NDArray[np.float64]:
    drawn = itertools.islice(arrivals.times_s(), jobs)
    return np.fromiter((float(one or 0.0) for one in drawn), dtype=np.float64, count=jobs)
