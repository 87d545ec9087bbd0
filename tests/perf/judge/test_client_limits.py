"""A client that was the limit: every sign of it, and none where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from perf.judge.client_limits import client_limits
from perf.stats.offered import Offered, Request

SLO_S = 0.5


def offered(late_s: float = 0.0, service_s: float = 0.1, jobs: int = 200) -> Offered:
    """Return ten requests a second, each sent late by the same time."""
    return Offered(
        [
            Request(at_s, at_s + late_s, at_s + late_s + service_s, True)  # noqa: FBT003 -- right
            for at_s in (0.1 * job for job in range(jobs))
        ]
    )


def burst() -> Offered:
    """Return requests of a server of 10 ms whose client stands still for a second."""
    requests, free_s = [], 0.0
    for at_s in (0.02 * job for job in range(400)):
        sent_s = max(at_s, 2.0) if 1.0 < at_s < 2.0 else at_s
        free_s = max(free_s, sent_s) + 0.01
        requests.append(Request(at_s, sent_s, free_s, True))  # noqa: FBT003 -- right
    return Offered(requests)


def signs(found: Offered, **changes: Any) -> list[str]:  # noqa: ANN401 -- any argument of client_limits
    """Return the signs, where all is as it should be but for `changes`."""
    seen: dict[str, Any] = {
        "scheduled": len(found.sent_s),
        "slots": 100,
        "slo_s": SLO_S,
        "counted_s": found.under_way_s(),
    }
    return client_limits(found, **{**seen, **changes})


def test_a_client_in_time_shows_no_sign() -> None:
    """Up to 1 % of the SLO's time may be lost in the client, or 1 ms."""
    assert signs(offered()) == []
    assert signs(offered(late_s=0.0049)) == []
    assert signs(offered(late_s=0.0009), slo_s=0.01) == []


@pytest.mark.parametrize(
    ("found", "changes", "sign"),
    [
        (offered(late_s=0.006), {}, "p99 of its lateness was 6.00 ms (limit 5 ms)"),
        (
            offered(late_s=0.002),
            {"slo_s": 0.05},
            "p99 of its lateness was 2.00 ms (limit 1 ms)",
        ),
        (offered(), {"scheduled": 201}, "it sent 200 of 201 requests"),
        (
            offered(late_s=0.2, service_s=1.0),
            {"slots": 10},
            "all its 10 slots were taken, and requests had to wait for one",
        ),
        (
            offered(),
            {"counted_s": 25.0},
            (
                "its response times add up to 20 s, but its count of requests under way "
                "gives 25 s (limit 5 % apart)"
            ),
        ),
    ],
)
def test_each_sign(found: Offered, changes: dict[str, float], sign: str) -> None:
    """It is named with its number and its limit."""
    assert signs(found, **changes) == [sign]


@pytest.mark.parametrize(
    ("found", "changes", "excused"),
    [
        (offered(late_s=0.2, service_s=1.0), {"slots": 10}, True),
        (offered(late_s=0.6, service_s=0.4), {"slots": 4}, False),
        (offered(late_s=0.1, service_s=0.6), {}, True),
        (offered(late_s=0.1, service_s=0.45), {}, False),
        (burst(), {}, False),
    ],
    ids=["slots, slow", "slots, quick", "late, slow", "late, quick", "burst"],
)
def test_an_overloaded_server_makes_requests_late(
    found: Offered, changes: dict[str, float], *, excused: bool
) -> None:
    """Lateness is a sign only if the SLO might have been met without it.

    The time from the send counts where the client had no free slot. A client that sends
    many requests late and all at once makes the server slow itself.
    """
    assert len(signs(found, **changes)) == 1
    assert len(signs(found, share=0.99, **changes)) == (0 if excused else 1)


def test_lost_and_miscounted_requests_are_signs_in_any_case() -> None:
    """They are the client's doing, however slow the server is."""
    slow = offered(service_s=2.0)
    for changes in ({"scheduled": 201}, {"counted_s": 25.0}):
        assert len(signs(slow, share=0.99, **changes)) == 1


def test_a_client_that_did_not_count_is_not_held_to_it() -> None:
    """A pool without such a count returns zero."""
    assert signs(offered(), counted_s=0.0) == []
