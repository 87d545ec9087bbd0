"""Numbers as text: the units and the rounding of all reports."""

from __future__ import annotations

import math

from perf.stats import Estimate

UNKNOWN = "-"
_KIB = 1024
_DIGITS = 3
_MOST_DECIMALS = 6
_VAST = 1e6  # the interval of two pairs that disagree can end at 1e300


def finite(value: float | None) -> float | None:
    """Return `value`, or None where it is not a finite number."""
    return value if value is not None and math.isfinite(value) else None


def one_line(text: str) -> str:
    """Return `text` on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def rate(per_s: float | None) -> str:
    """Return a rate in images or jobs a second, such as "4.71/s"."""
    known = finite(per_s)
    return UNKNOWN if known is None else f"{_significant(known)}/s"


def ratio(value: float | None) -> str:
    """Return a ratio, such as "3.12"."""
    known = finite(value)
    return UNKNOWN if known is None else _significant(known)


def share(value: float | None) -> str:
    """Return a fraction of one in per cent with one decimal, such as "99.2 %"."""
    return percent(None if value is None else 100.0 * value, 1)


def interval(estimate: Estimate | None) -> str:
    """Return an estimate with its interval, such as "3.12 [3.01, 3.24]".

    The ends have as many decimals as the point.
    """
    if estimate is None:
        return UNKNOWN
    decimals = _decimals(estimate.point)
    low, high = (_fixed(end, decimals) for end in (estimate.low, estimate.high))
    return f"{_significant(estimate.point)} [{low}, {high}]"


def change(factor: float) -> str:
    """Return a factor as a signed change, such as "-19.8 %" for 0.802."""
    return f"{_signed_percent(factor)} %"


def change_interval(estimate: Estimate | None) -> str:
    """Return an estimated factor as a change, such as "-19.8 % [-22.8, -16.5]"."""
    if estimate is None:
        return UNKNOWN
    low, high = _signed_percent(estimate.low), _signed_percent(estimate.high)
    return f"{change(estimate.point)} [{low}, {high}]"


def seconds(value_s: float | None) -> str:
    """Return a time in seconds, such as "58.3 s"."""
    known = finite(value_s)
    return UNKNOWN if known is None else f"{known:.1f} s"


def milliseconds(value_ms: float | None, decimals: int = 0) -> str:
    """Return a time in milliseconds, such as "1697 ms"."""
    known = finite(value_ms)
    return UNKNOWN if known is None else f"{known:.{decimals}f} ms"


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a number from 0 to 100 in per cent, such as "97 %"."""
    known = finite(value)
    return UNKNOWN if known is None else f"{known:.{decimals}f} %"


def fraction(value: float) -> str:
    """Return a fraction of one in per cent, such as "5 %" or "99.94 %"."""
    return f"{value * 100.0:.4g} %"


def memory(value_bytes: int | None, kind: str) -> str:
    """Return bytes in MiB or GiB, followed by their kind where it is not PSS."""
    if value_bytes is None:
        return UNKNOWN
    mib = value_bytes / _KIB**2
    amount = f"{mib:.0f} MiB" if round(mib) < _KIB else f"{_significant(mib / _KIB)} GiB"
    return amount if kind == "pss" else f"{amount} {kind}"


def _significant(value: float) -> str:
    rounded = float(f"{value:.{_DIGITS}g}")
    return _fixed(rounded, _decimals(value))


def _decimals(value: float) -> int:
    """Return how many decimals give a finite `value` three significant digits."""
    rounded = float(f"{value:.{_DIGITS}g}")  # so that 9.999 is 10.0, not 10.00
    if rounded == 0.0:
        return _DIGITS - 1
    wanted = _DIGITS - 1 - math.floor(math.log10(abs(rounded)))
    return min(max(0, wanted), _MOST_DECIMALS)


def _signed_percent(factor: float) -> str:
    percents = (factor - 1.0) * 100.0
    return f"{'+' if percents >= 0.0 else ''}{_fixed(percents, 1)}"


def _fixed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if abs(value) < _VAST else f"{value:.1e}"
