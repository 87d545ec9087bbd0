"""Which rates a search tries, and that it finds the capacity of servers that are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.experiment.search import FINEST, WIDEN, Search
from perf.stats.capacity import Probe

SHARE = 0.99
REQUESTS = 200


def server(capacity_rps: float) -> Callable[[float], Probe]:
    """Return probes of a server that meets the SLO up to a rate, and fails beyond."""

    def measure(rate_rps: float) -> Probe:
        good = REQUESTS if rate_rps <= capacity_rps else REQUESTS // 2
        return Probe(
            rate_rps=rate_rps, scheduled=REQUESTS, good=good, effective=float(REQUESTS)
        )

    return measure


@given(st.floats(0.1, 1e4), st.floats(0.08, 8.0))
def test_the_capacity_is_found(capacity_rps: float, guess: float) -> None:
    """Wherever it begins, the search ends within one step of the truth, in few probes."""
    search = Search(SHARE, first_rps=guess * capacity_rps)
    found = search.run(server(capacity_rps))
    assert found is not None
    assert found == pytest.approx(capacity_rps, rel=FINEST - 1.0 + 0.02)
    assert len(search.probes) <= 24


def test_a_search_widens_and_then_halves_the_gap() -> None:
    """Its steps grow, because a first rate that is far off is probably very far off."""
    search = Search(SHARE, first_rps=5.0)
    search.run(server(9.0))
    rates = [probe.rate_rps for probe in search.probes]
    steps = [after / before for before, after in itertools.pairwise(rates[:5])]
    assert steps == pytest.approx([FINEST, FINEST**2, FINEST**4, WIDEN])
    assert rates[5] == pytest.approx(math.sqrt(rates[3] * rates[4]))
    assert search.lowest_missed is not None
    assert search.highest_met is not None
    assert search.lowest_missed / search.highest_met <= FINEST * (1.0 + 1e-9)


@pytest.mark.parametrize("off", [0.97, 1.0, 1.03])
def test_a_good_guess_needs_few_probes(off: float) -> None:
    """Two rates next to each other are enough, where they contain the capacity."""
    search = Search(SHARE, first_rps=9.0 * off)
    found = search.run(server(9.0))
    assert found == pytest.approx(9.0, rel=0.08)
    assert len(search.probes) <= 3


def test_a_capacity_far_from_the_guess_is_found() -> None:
    """However many probes there are, the steps stay within the largest one."""
    for far in (30.0, 1.0 / 30.0):
        search = Search(SHARE, first_rps=1.0)
        assert search.run(server(far)) == pytest.approx(far, rel=0.08)
        assert len(search.probes) > 14
        rates = sorted(probe.rate_rps for probe in search.probes)
        steps = [after / before for before, after in itertools.pairwise(rates)]
        assert max(steps) <= WIDEN * (1.0 + 1e-9)


@pytest.mark.parametrize("capacity_rps", [0.0, math.inf])
def test_a_search_ends_where_there_is_no_capacity(capacity_rps: float) -> None:
    """A server that meets the SLO at no rate, or at every rate, has none."""
    search = Search(SHARE, first_rps=10.0)
    assert search.run(server(capacity_rps)) is None
    assert (search.highest_met is None) == (capacity_rps == 0.0)
    assert (search.lowest_missed is None) == (capacity_rps == math.inf)
    assert len(search.probes) <= 14
