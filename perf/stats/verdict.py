"""Verdicts: what a change shows."""

from __future__ import annotations

import math
from enum import StrEnum

from scipy.special import nctdtrinc, stdtrit

from perf.stats.change import Change

POWER = 0.95
"""The probability with which the loss that `smallest_seen` returns raises an alarm."""

_MOST_FREEDOM = 1e6  # stands for infinite, which scipy's noncentral t does not take


class Verdict(StrEnum):
    """The outcome of one scenario. See `perf.judge.gate.passes` for which pass."""

    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"  # too little evidence for any of the three above
    NO_BASELINE = "no baseline"  # no baseline applies
    INVALID = "invalid"  # the measurement cannot be used

    @property
    def is_certain(self) -> bool:
        """Whether the evidence decides."""
        return self in {Verdict.REGRESSED, Verdict.UNCHANGED, Verdict.IMPROVED}


def judge(
    change: Change, tolerance: float, *, alarm_tail: float, pass_tail: float
) -> Verdict:
    """Return the verdict on `change`; it is decided by whole intervals.

    - Unchanged: the interval that omits `pass_tail` on each side lies inside the
      tolerance, from 1 - tolerance to its reciprocal.
    - Regressed or improved: otherwise, and the interval that omits `alarm_tail` on each
      side lies below 1, or above 1.
    - Inconclusive: neither.

    So a certain but small change raises no alarm. A change that may be large, but may also
    be none, is inconclusive. If the two runs are swapped, regressed becomes improved.
    Raises ValueError unless 0 < tolerance < 1.
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
    """Return the loss, as a share, that would have raised an alarm 95 times in 100.

    The estimate over its standard error is distributed as noncentral t. The result is the
    noncentrality with which it passes the alarm's bound that often (Johnson and Welch,
    "Applications of the non-central t-distribution", Biometrika 31, 1940).

    With a very small error, that loss could lie within the tolerance and be called
    unchanged. Then the result is the loss that is called unchanged only 5 times in 100.
    """
    freedom = min(change.freedom, _MOST_FREEDOM)
    bound = -float(stdtrit(freedom, alarm_tail))
    if change.standard_error:
        bound = change.half_width(alarm_tail) / change.standard_error
    noncentrality = float(nctdtrinc(freedom, 1.0 - POWER, bound))
    edge = -math.log1p(-tolerance) - change.half_width(pass_tail)
    outside = edge + change.half_width(1.0 - POWER)
    return -math.expm1(-max(noncentrality * change.standard_error, outside))


def check_tolerance(tolerance: float) -> None:
    """Raise ValueError unless 0 < tolerance < 1."""
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance must lie between 0 and 1, not {tolerance}")
