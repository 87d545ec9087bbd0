"""The arrivals of a probe."""

from __future__ import annotations

import itertools
from statistics import median

import numpy as np
import pytest

from perf.experiment.typical_arrivals import load_in_time, typical
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.constant import ConstantRate
from perf.load.arrivals.gamma import GammaArrivals
from perf.load.arrivals.poisson import PoissonArrivals
from perf.stats.typical import waits
from tests.support.queueing import waits_at_most

JOBS = 256


def times(arrivals: Arrivals) -> list[float]:
    """Return when the requests begin, in seconds."""
    return [float(one or 0.0) for one in itertools.islice(arrivals.times_s(), JOBS)]


def late_share(arrivals: Arrivals) -> float:
    """Return how many requests wait for more than 5 services at a load of 0.8."""
    return float((waits(np.array(times(arrivals)), 0.8) > 5.0).mean())


@pytest.mark.parametrize("kind", [PoissonArrivals(1.0), GammaArrivals(1.0, 0.5)])
def test_the_same_numbers_are_used_at_every_rate(kind: Arrivals) -> None:
    """Another seed has others."""
    slow, fast = (typical(kind.at_rate(rate), JOBS, 3) for rate in (1.0, 4.0))
    assert times(slow) == pytest.approx([4.0 * one for one in times(fast)])
    assert fast.rate_rps == 4.0
    assert typical(kind, JOBS, 4) != typical(kind, JOBS, 3) == slow


def test_typical_schedules_make_requests_wait_as_long_ones_do() -> None:
    """So do chance ones on average, but half of those have far too few long waits."""
    true = 1.0 - waits_at_most(5.0, 0.8, 1.0)
    chance = [late_share(PoissonArrivals(1.0, seed)) for seed in range(40)]
    chosen = [late_share(typical(PoissonArrivals(1.0), JOBS, seed)) for seed in range(12)]
    assert median(chosen) == pytest.approx(true, rel=0.35)
    assert all(0.3 * true < one < 2.0 * true for one in chosen)
    assert sum(one < 0.3 * true for one in chance) > 8


def test_a_constant_rate_stays_as_it_is() -> None:
    """Nothing is random there. Its requests never wait below full load."""
    assert typical(ConstantRate(5.0), JOBS, 3) == ConstantRate(5.0)
    assert load_in_time(ConstantRate(5.0), 2.0, 0.99) == pytest.approx(1.0, abs=0.01)
