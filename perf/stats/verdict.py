"""What an interval says about a change."""

from __future__ import annotations

from enum import StrEnum

from perf.stats.ratio import Estimate


class Verdict(StrEnum):
    """The outcome of one scenario. Only `unchanged` and `improved` are a pass."""

    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    INCONCLUSIVE = "inconclusive"  # too little evidence for any of the three above
    NO_BASELINE = "no baseline"  # nothing to compare with that applies here
    INVALID = "invalid"  # the measurement itself cannot be used


def judge(change: Estimate, tolerance: float) -> Verdict:
    """Return what the whole interval of `change` shows, and nothing that part of it hints.

    The band of no change reaches from 1 - tolerance to 1 / (1 - tolerance), both
    included. Its ends are each other's reciprocals, so swapping the runs compared turns
    regressed into improved and leaves the other verdicts as they are: with a tolerance
    of 0.2, down to 0.8 and up to 1.25. Raises ValueError unless 0 < tolerance < 1.
    """
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance must lie between 0 and 1, not {tolerance}")
    least, most = 1.0 - tolerance, 1.0 / (1.0 - tolerance)
    if change.high < least:
        return Verdict.REGRESSED
    if change.low > most:
        return Verdict.IMPROVED
    if least <= change.low and change.high <= most:
        return Verdict.UNCHANGED
    return Verdict.INCONCLUSIVE
