"""Check the numbers that an open pattern needs."""

from __future__ import annotations

import math


def rate_of(name: str, rate_rps: float | None) -> float:
    """Return the rate of the pattern `name`; raises ValueError where it is missing."""
    if rate_rps is None:
        raise ValueError(f"{name} needs a rate, in jobs a second")
    return positive(rate_rps, "the rate")


def positive(number: float | str, what: str) -> float:
    """Return a number; raises ValueError where it is not above zero and finite."""
    try:
        found = float(number)
    except ValueError:
        found = math.nan
    if not 0.0 < found < math.inf:
        raise ValueError(f"{what} must be a number above 0, not {number}")
    return found
