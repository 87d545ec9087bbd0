"""The numbers along the axes of the plots.

An axis is marked at round values, so its numbers need no more digits than these have.
"""

from __future__ import annotations

_PLAIN = 1e7  # from here on a number has an exponent


def as_change(value: float) -> str:
    """Return a change in per cent, such as "-5 %" for -0.05."""
    text = _short(100.0 * value)
    return f"{text} %" if text == "0" or value < 0.0 else f"+{text} %"


def as_milliseconds(value_ms: float) -> str:
    """Return a time, such as "2.1 ms"."""
    return f"{_short(value_ms)} ms"


def as_rate(per_s: float) -> str:
    """Return a rate, such as "5/s"."""
    return f"{_short(per_s)}/s"


def as_ratio(value: float) -> str:
    """Return a ratio, such as "2.5"."""
    return _short(value)


def _short(value: float) -> str:
    text = f"{value:.4g}"
    if "e+" in text and abs(value) < _PLAIN:
        return f"{value:.0f}"
    return "0" if float(text) == 0.0 else text
