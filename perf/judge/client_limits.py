"""Whether the client was the limit: then a probe says nothing of the server.

A server that is overloaded makes requests late too: they wait for a free slot of the
client, or for the cores that it shares with the client.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from perf.stats.offered import Offered

LATENESS_S = 0.001
LATENESS_SHARE = 0.01
"""p99 of the lateness may be `LATENESS_S`, or this share of the SLO's time if more."""

LITTLE = 0.05
"""How far the client's own count may lie from what the response times add up to."""


def client_limits(  # noqa: PLR0913 -- what was asked for, seen and counted
    offered: Offered,
    *,
    scheduled: int,
    slots: int,
    slo_s: float,
    counted_s: float,
    share: float = 0.0,
) -> list[str]:
    """Return a phrase for each sign that the client was the limit.

    `scheduled` is how many requests there should be, `slots` how many the client could
    have under way, and `counted_s` the sum of the response times by its own count. Where
    the server alone kept the attainment below `share`, lateness is no sign.
    """
    sent = len(offered.sent_s)
    if sent != scheduled:
        return [f"it sent {sent} of {scheduled} requests"]
    limit_s = LATENESS_S if math.isinf(slo_s) else max(LATENESS_S, LATENESS_SHARE * slo_s)
    is_full = _most_under_way(offered) >= slots
    found = []
    late_s = float(np.quantile(offered.lateness_s, 0.99))
    if late_s > limit_s and _best_attainment(offered, slo_s, is_full=is_full) >= share:
        found.append(
            f"all its {slots} slots were taken, and requests had to wait for one"
            if is_full
            else f"p99 of its lateness was {1e3 * late_s:.2f} ms (limit "
            f"{1e3 * limit_s:.3g} ms)"
        )
    return [*found, *_miscount(offered, limit_s, counted_s)]


def _best_attainment(offered: Offered, slo_s: float, *, is_full: bool) -> float:
    """Return the attainment that there could be, at most, without any lateness.

    A client without a free slot waits for the server: then the time from the send counts.
    Otherwise requests that are sent late can keep the server from others. Nothing in a
    queue ends later by more than the largest lateness.
    """
    least_s = offered.service_s
    if not is_full:
        least_s = offered.response_s - offered.lateness_s.max()
    return float((offered.right & (least_s <= slo_s)).mean())


def _miscount(offered: Offered, limit_s: float, counted_s: float) -> Iterator[str]:
    summed_s, sent = offered.under_way_s(), len(offered.sent_s)
    # The count begins when the client wakes up, the response when it should have.
    if counted_s and abs(summed_s - counted_s) > max(LITTLE * counted_s, limit_s * sent):
        yield (
            f"its response times add up to {summed_s:.4g} s, but its count of requests "
            f"under way gives {counted_s:.4g} s (limit {100 * LITTLE:g} % apart)"
        )


def _most_under_way(offered: Offered) -> int:
    """Return the most requests that were sent and not answered at a time."""
    begun = np.arange(1, len(offered.sent_s) + 1)
    sent = np.sort(offered.sent_s)
    ended = np.searchsorted(np.sort(offered.ended_s), sent, side="right")
    return int((begun - ended).max())
