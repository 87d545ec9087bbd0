"""Whether the client was the limit: then a probe says nothing of the server."""

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


def client_limits(
    offered: Offered, *, scheduled: int, slots: int, slo_s: float, counted_s: float
) -> list[str]:
    """Return a phrase for each sign that the client was the limit.

    `scheduled` is how many requests there should be, `slots` how many the client could
    have under way, and `counted_s` the sum of the response times by its own count.
    """
    return list(_signs(offered, scheduled, slots, slo_s, counted_s))


def _signs(
    offered: Offered, scheduled: int, slots: int, slo_s: float, counted_s: float
) -> Iterator[str]:
    sent = len(offered.sent_s)
    if sent != scheduled:
        yield f"it sent {sent} of {scheduled} requests"
        return
    late_s = float(np.quantile(offered.lateness_s, 0.99))
    limit_s = LATENESS_S if math.isinf(slo_s) else max(LATENESS_S, LATENESS_SHARE * slo_s)
    if late_s > limit_s and _most_under_way(offered) >= slots:
        yield f"all its {slots} slots were taken, and requests had to wait for one"
    elif late_s > limit_s:
        yield (
            f"p99 of its lateness was {1e3 * late_s:.2f} ms (limit {1e3 * limit_s:.3g} ms)"
        )
    summed_s = offered.under_way_s()
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
