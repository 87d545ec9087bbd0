"""What theory says of one server with constant service times and Poisson arrivals (M/D/1).

Erlang, "The theory of probabilities and telephone conversations", 1909.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq


def waits_at_most(wait_s: float, rate_rps: float, service_s: float) -> float:
    """Return the probability that a request waits for at most `wait_s` to be served."""
    if wait_s < 0.0:
        return 0.0
    total = 0.0
    for k in range(int(wait_s / service_s) + 1):
        x = rate_rps * (wait_s - k * service_s)
        total += (-x) ** k / math.factorial(k) * math.exp(x)
    return (1.0 - rate_rps * service_s) * total


def response_quantile_s(share: float, rate_rps: float, service_s: float) -> float:
    """Return the response time that `share` of the requests do not exceed."""

    def above(wait_s: float) -> float:
        return waits_at_most(wait_s, rate_rps, service_s) - share

    if above(0.0) >= 0.0:
        return service_s
    # Not further than needed: the sum loses all its digits for long waits.
    high_s = service_s
    while above(high_s) < 0.0:
        high_s += service_s
    return service_s + float(brentq(above, high_s - service_s, high_s))


def capacity_rps(share: float, slo_s: float, service_s: float) -> float:
    """Return the rate at which `share` of the requests are answered within `slo_s`."""
    return float(
        brentq(
            lambda rate: waits_at_most(slo_s - service_s, rate, service_s) - share,
            1e-6 / service_s,
            (1.0 - 1e-6) / service_s,
        )
    )
