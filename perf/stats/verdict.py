"""What a change shows, and what it does not."""

from __future__ import annotations

import math
from enum import StrEnum

from scipy.special import nctdtrinc, stdtrit

from perf.stats.change import Change

POWER = 0.95
"""How likely the smallest change that is called seeable is seen."""

_MOST_FREEDOM = 1e6  # more is none: the error is as good as known


class Verdict(StrEnum):
    """The outcome of one scenario. Only `unchanged` and `improved` are a pass."""

    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"  # too little evidence for any of the three above
    NO_BASELINE = "no baseline"  # nothing to compare with that applies here
    INVALID = "invalid"  # the measurement itself cannot be used


def judge(
    change: Change, tolerance: float, *, alarm_tail: float, pass_tail: float
) -> Verdict:
    """Return what the whole intervals of `change` show, and nothing that a part hints.

    Unchanged: the interval that leaves out `pass_tail` on each side lies inside the
    tolerance, which reaches from 1 - tolerance to its reciprocal. Else regressed or
    improved: the interval that leaves out `alarm_tail` lies below 1, or above. So a
    change that is certain but small is no alarm, and one that may be large but may be
    none is neither. Swapping the runs turns regressed into improved. Raises ValueError
    unless 0 < tolerance < 1.
    """
    check_tolerance(tolerance)
    edge = -math.log1p(-tolerance)
    if abs(change.point) + change.half_width(pass_tail) <= edge:
        return Verdict.UNCHANGED
    if not abs(change.point) > change.half_width(alarm_tail):
        return Verdict.INCONCLUSIVE
    return Verdict.REGRESSED if change.point < 0.0 else Verdict.IMPROVED


def smallest_seen(
    change: Change, tolerance: float, *, alarm_tail: float, pass_tail: float
) -> float:
    """Return the loss, as a share, that would have been an alarm 95 times in 100.

    The estimate over its error is then noncentral t, and the noncentrality wanted that
    with which it passes the bound so often (Johnson and Welch, "Applications of the
    non-central t-distribution", Biometrika 31, 1940). Where the error is so small that
    a loss within the tolerance would pass it, the loss is larger: one that is not called
    unchanged so often.
    """
    freedom = min(change.freedom, _MOST_FREEDOM)
    bound = -float(stdtrit(freedom, alarm_tail))
    noncentrality = float(nctdtrinc(freedom, 1.0 - POWER, bound))
    edge = -math.log1p(-tolerance) - change.half_width(pass_tail)
    outside = edge + change.half_width(1.0 - POWER)
    return -math.expm1(-max(noncentrality * change.standard_error, outside))


def check_tolerance(tolerance: float) -> None:
    """Raise ValueError unless 0 < tolerance < 1."""
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance must lie between 0 and 1, not {tolerance}")
