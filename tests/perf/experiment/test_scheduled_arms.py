"""Requests at scheduled times, with a fake pool: what counts, what ends the measurement."""

from __future__ import annotations

import pytest

from perf.experiment.answers import JobsFailedError
from perf.experiment.scheduled_arms import MOST_AGAIN, ClientLimitError, SloError
from tests.perf.experiment.one_server import OneServer, at_rate, searching


def test_goodput_is_the_share_of_good_requests_times_the_rate() -> None:
    """All are good below the server's limit."""
    block = at_rate(OneServer()).block()
    assert block.figure == "goodput"
    assert block.judged_rps == pytest.approx(5.0)


def test_a_failed_request_counts_against_the_server() -> None:
    """It lowers the goodput, and is no fault of the measurement."""
    arm = at_rate(OneServer(failing=20))
    block = arm.block()
    assert block.judged_rps == pytest.approx(4.5)
    counts = arm.check(block)
    assert (counts.failed, counts.missed) == (0, 20)
    counts.raise_if_bad("row")


def test_a_late_answer_is_not_good() -> None:
    """Above the server's limit the queue grows, and few requests are in time."""
    block = at_rate(OneServer(), rate_rps=20.0).block()
    assert block.judged_rps < 10.0


def test_goodput_is_never_zero() -> None:
    """It has a logarithm even where no request was good: half of one counts."""
    block = at_rate(OneServer(failing=200)).block()
    assert block.judged_rps == pytest.approx(0.5 / 200 * 5.0)


def test_a_wrong_answer_ends_the_measurement() -> None:
    """At scheduled times as in a closed loop."""
    arm = at_rate(OneServer(wrong=1))
    counts = arm.check(arm.block())
    assert counts.wrong == 1
    with pytest.raises(JobsFailedError):
        counts.raise_if_bad("row")


def test_a_failure_in_the_warm_up_ends_the_measurement() -> None:
    """There nothing is offered yet: the server must answer."""
    arm = at_rate(OneServer(failing=1))
    assert arm.check(arm.warm_up()).failed == 1


@pytest.mark.parametrize(
    ("pool", "sign"),
    [
        (OneServer(late_s=0.02), "p99 of its lateness was 20.00 ms"),
        (OneServer(lost=3), "it sent 197 of 200 requests"),
        (OneServer(miscounted=1.1), "add up to"),
    ],
    ids=["late", "lost", "Little's law"],
)
def test_a_client_at_its_limit_ends_the_measurement(pool: OneServer, sign: str) -> None:
    """The message names the row, the rate and the sign."""
    with pytest.raises(ClientLimitError, match="row: the client was the limit at 5 ") as it:
        at_rate(pool).block()
    assert sign in str(it.value)


def test_a_client_that_is_held_up_once_is_tried_again() -> None:
    """With the same requests at the same times; what was late does not count."""
    pool = OneServer(late_s=0.02, late_blocks=MOST_AGAIN)
    block = at_rate(pool).block()
    assert block.judged_rps == pytest.approx(5.0)
    assert len(pool.requests) == 1 + MOST_AGAIN
    assert len({one.arrivals for one in pool.requests}) == 1


def test_what_was_offered_again_is_counted() -> None:
    """Its CPU time was measured with that of the block: it is spread over all of it."""
    arm = at_rate(OneServer(late_s=0.02, late_blocks=1))
    first, second = arm.block(), arm.block()
    assert (len(first.images), first.beside, first.computed) == (200, 200, 400)
    assert (second.beside, second.computed) == (0, 200)


def test_a_client_without_a_free_slot_is_the_limit_at_a_fixed_rate() -> None:
    """There the rate was asked for, and was not offered."""
    arm = at_rate(OneServer(connections=3), rate_rps=20.0)
    arm.inner.workload.most_under_way = 3
    with pytest.raises(ClientLimitError, match="all its 3 slots were taken"):
        arm.block()


def test_a_client_that_is_held_up_each_time_is_given_up() -> None:
    """It is not tried for ever."""
    pool = OneServer(late_s=0.02)
    with pytest.raises(ClientLimitError):
        at_rate(pool).block()
    assert len(pool.requests) == 1 + MOST_AGAIN


def test_an_slo_below_an_idle_request_is_told() -> None:
    """At the first probe or block; the message gives the time of the quickest request."""
    pool = OneServer()
    for arm in (searching(pool, slo_s=0.05), at_rate(pool, slo_s=0.05)):
        arm.relaunch()
        with pytest.raises(SloError, match=r"row: the SLO .* quickest request took 100 ms"):
            arm.block()
    assert len(pool.requests) == 3  # a closed loop, a probe, a block


def test_a_probe_that_is_slow_as_a_whole_does_not_refuse_the_slo() -> None:
    """An earlier request was in time, so the SLO can be met."""
    pool = OneServer()
    arm = at_rate(pool, slo_s=0.5)
    arm.block()
    pool.service_s = 0.6
    assert arm.block().judged_rps < 1.0
