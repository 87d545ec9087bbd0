"""The search for a capacity, with a fake pool."""

from __future__ import annotations

from statistics import geometric_mean

import pytest

from perf.experiment.answers import JobsFailedError
from perf.experiment.capacity import REQUESTS, NoCapacityError
from perf.load.arrivals.poisson import PoissonArrivals
from tests.perf.experiment.one_server import OneServer, searching
from tests.support import queueing


def test_the_capacity_of_a_known_server_is_found() -> None:
    """With constant arrivals a server of 100 ms bears 10 requests a second."""
    arm = searching(OneServer(), slo_s=1.0)
    arm.relaunch()
    block = arm.block()
    assert block.figure == "capacity"
    assert block.judged_rps == pytest.approx(10.0, rel=0.08)
    assert block.found is not None
    assert block.found.closed_rps == pytest.approx(10.0)
    assert len(block.images) == sum(one.scheduled for one in block.found.probes)
    assert arm.check(block).missed == 0


def test_a_probe_above_the_capacity_is_missed_though_its_requests_are_late() -> None:
    """Where the server takes all slots of the client, the search goes on below."""
    pool = OneServer(service_s=1e-3, connections=900)
    arm = searching(pool, slo_s=0.5)
    arm.relaunch()
    arm._capacity_rps = 2000.0
    block = arm.block()
    assert block.found is not None
    first = block.found.probes[0]
    assert (first.rate_rps, first.attainment < 0.99) == (2000.0, True)
    assert block.judged_rps == pytest.approx(1000.0, rel=0.08)


def test_requests_that_are_no_part_of_the_search_are_counted() -> None:
    """CPU time is spread over those of the closed loop and of probes offered again too."""
    pool = OneServer(late_s=0.02, late_blocks=2)
    arm = searching(pool, slo_s=1.0)
    arm.relaunch()
    block = arm.block()
    closed, first, again = pool.requests[:3]
    assert first.images == again.images
    assert block.beside == len(closed.images) + len(first.images)
    assert block.computed == sum(len(one.images) for one in pool.requests)


def test_both_arms_of_a_launch_have_the_same_arrivals() -> None:
    """Each launch has others; without a seed of the user they are the same in every run."""
    both = []
    for _ in range(2):
        pool = OneServer()
        arm = searching(pool, arrivals=PoissonArrivals(1.0))
        for _ in range(2):
            arm.relaunch()
            arm.probe(5.0)
        both.append([one.arrivals for one in pool.requests])
    assert both[0] == both[1]
    first, second = both[0]
    assert first != second


def test_a_server_that_fails_every_other_request_has_no_capacity() -> None:
    """Not at any rate, and the message says so."""
    arm = searching(OneServer(failing=10**6))
    arm.relaunch()
    arm._closed_rps = 10.0
    with pytest.raises(
        NoCapacityError, match="did not meet the SLO of 99 % within 1000 ms"
    ):
        arm.block()


def test_a_closed_loop_that_fails_ends_the_measurement() -> None:
    """The search would begin at a rate that means nothing."""
    arm = searching(OneServer(failing=1))
    arm.relaunch()
    with pytest.raises(JobsFailedError, match="row, closed loop"):
        arm.block()


@pytest.mark.parametrize(
    ("rate_rps", "slo_s", "jobs"),
    [
        (10.0, 1.0, 181),  # 25 s would be 250
        (50.0, 1.0, REQUESTS),  # 25 s would be more
        (1000.0, 0.1, 8192),  # 6 s
        (1000.0, 1.0, 8192),  # 6 times the SLO's time
        (2.0, 4.0, 64),  # 6 times the SLO's time is 48
        (0.5, 1.0, 32),  # it takes longer
    ],
)
def test_a_probe_has_requests_enough(rate_rps: float, slo_s: float, jobs: int) -> None:
    """There are only some sizes: the one below what is wanted, or above what is needed."""
    pool = OneServer(service_s=1e-4)
    arm = searching(pool, slo_s=slo_s)
    arm.relaunch()
    arm.probe(rate_rps)
    assert len(pool.requests[-1].images) == jobs
    arm.probe(rate_rps, least=jobs + 1)
    assert len(pool.requests[-1].images) == jobs + 1


@pytest.mark.parametrize(
    ("service_s", "slo_s"), [(0.1, 1.0), (0.05, 1.0), (0.04, 0.2), (0.02, 0.2)]
)
def test_a_queue_of_known_capacity_is_found_within_five_percent(
    service_s: float, slo_s: float
) -> None:
    """One search is within 15 %, the mean of six within 5 %."""
    found = []
    for launches in range(6):
        arm = searching(OneServer(service_s), slo_s, PoissonArrivals(1.0))
        for _ in range(launches + 1):  # each launch has other arrivals
            arm.relaunch()
        found.append(arm.block().judged_rps)
    true_rps = queueing.capacity_rps(0.99, slo_s, service_s)
    assert found == pytest.approx([true_rps] * len(found), rel=0.15)
    assert geometric_mean(found) == pytest.approx(true_rps, rel=0.05)
