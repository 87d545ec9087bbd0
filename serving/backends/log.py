"""Which lines of a server's log are shown with a failure."""

from __future__ import annotations

import re

WINDOW_LINES = 20_000
"""How much of a log is searched: some minutes of a server that logs every request."""
_TAIL_LINES = 40
_MOST_ERRORS = 10
_ERROR = re.compile(
    r"\b(?:died|killed|fatal|traceback|disconnected|out ?of ?memory)\b|error\b|exception\b",
    re.IGNORECASE,
)


def informative_tail(log: str, noise: re.Pattern[str] | None = None) -> str:
    """Return the end of a log without its noise, after the first lines that name an error.

    A line is noise where `noise` is found in it. Where the rest is short, it is returned
    as it is.
    """
    lines = [line for line in log.splitlines() if not (noise and noise.search(line))]
    tail = lines[-_TAIL_LINES:]
    if len(lines) <= _MOST_ERRORS:
        return "\n".join(tail)
    errors = [line for line in lines if _ERROR.search(line)][:_MOST_ERRORS]
    return "\n".join([*errors, "[...]", *tail] if errors else tail)
