"""Requests on a schedule: their times, which are good, and whether a backlog grew."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stats.offered import Offered, Request

_TIMES = st.floats(0.0, 1e3)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request that was sent after its time, and answered after that."""
    scheduled_s, lateness_s, service_s = draw(_TIMES), draw(_TIMES), draw(_TIMES)
    sent_s = scheduled_s + lateness_s
    return Request(scheduled_s, sent_s, sent_s + service_s, draw(st.booleans()))


_MANY = st.lists(requests(), min_size=1, max_size=40)


def served(rate_rps: float, capacity_rps: float, jobs: int = 200) -> Offered:
    """Return requests at a constant rate to a server that does one after the other."""
    free_s, found = 0.0, []
    for job in range(jobs):
        at_s = job / rate_rps
        free_s = max(free_s, at_s) + 1.0 / capacity_rps
        found.append(Request(at_s, at_s, free_s, True))  # noqa: FBT003 -- right
    return Offered(found)


@given(_MANY)
def test_response_is_lateness_and_service(many: list[Request]) -> None:
    """None of the three is negative, and they are in the order of the schedule."""
    offered = Offered(many)
    assert np.allclose(offered.response_s, offered.lateness_s + offered.service_s)
    assert (np.diff(offered.scheduled_s) >= 0.0).all()
    for times_s in (offered.response_s, offered.lateness_s, offered.service_s):
        assert times_s.shape == (len(many),)
        assert (times_s >= -1e-9).all()


@given(_MANY, st.floats(0.001, 1e3))
def test_only_right_answers_in_time_are_good(many: list[Request], slo_s: float) -> None:
    """A longer SLO never has fewer good requests; every scheduled request counts."""
    offered = Offered(many)
    good = offered.good(slo_s)
    assert good.sum() <= offered.right.sum()
    assert good.sum() <= offered.good(2.0 * slo_s).sum()
    probe = offered.probe(1.0, slo_s)
    assert (probe.scheduled, probe.good) == (len(many), int(good.sum()))


@given(_MANY, st.randoms())
def test_the_order_of_the_records_does_not_matter(
    many: list[Request], random: Random
) -> None:
    """Requests are recorded as they end, and judged as they were scheduled."""
    shuffled = list(many)
    random.shuffle(shuffled)
    assert Offered(shuffled).probe(1.0, 0.5) == Offered(many).probe(1.0, 0.5)


@pytest.mark.parametrize(
    ("load", "grew"), [(0.5, False), (0.99, False), (1.2, True), (3.0, True)]
)
def test_a_backlog_grows_above_the_capacity(load: float, *, grew: bool) -> None:
    """Below it, the requests under way stay few."""
    assert served(10.0 * load, 10.0).backlog_grew() is grew


def test_a_stall_is_no_growing_backlog() -> None:
    """The requests of one stall are worked off; the rate is not too high for that."""
    offered = served(5.0, 10.0)
    stalled = [
        Request(
            scheduled_s=s,
            sent_s=s,
            ended_s=max(e, 12.0 + 0.1 * max(0.0, s - 10.0)) if 10.0 < s < 12.0 else e,
            right=True,
        )
        for s, e in zip(offered.scheduled_s, offered.ended_s, strict=True)
    ]
    assert not Offered(stalled).backlog_grew()


def test_chance_is_no_growing_backlog() -> None:
    """At 80 % of the capacity, random arrivals seldom look like a growing backlog."""
    rng = np.random.default_rng(1)
    grew = 0
    for _ in range(200):
        free_s, found = 0.0, []
        for at_s in np.cumsum(rng.exponential(1.0 / 8.0, 100)):
            free_s = max(free_s, at_s) + 0.1
            found.append(Request(at_s, at_s, free_s, True))  # noqa: FBT003 -- right
        grew += Offered(found).backlog_grew()
    assert grew <= 20


def test_there_must_be_a_request() -> None:
    """An empty block says nothing."""
    with pytest.raises(ValueError, match="no request"):
        Offered([])
