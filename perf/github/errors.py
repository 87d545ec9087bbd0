"""The errors of this folder, and what an answer of GitHub that is no success means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from perf.report import formatting
from serving.errors import PerfError

_MOST_CHARACTERS = 200
_SERVER = 500
_RATE_LIMITED = (403, 429)
_HINTS = {
    401: "the token is not valid",
    403: "the job's `permissions` do not allow it",
    404: "there is no such thing, or the token cannot see it",
    410: "this is switched off in the repository",
    422: "GitHub does not accept it",
    429: "too many requests; run the job again later",
}


class GitHubError(PerfError):
    """GitHub refused a request, or did not answer."""


class DamagedError(PerfError):
    """What another job left cannot be used."""


def refusal(status: int, headers: Mapping[str, str], body: object) -> str:
    """Return, on one line, what an answer that is no success means.

    `headers` are looked up without regard to case. `body` is the JSON, or None.
    """
    hint = _HINTS.get(status, "")
    if status >= _SERVER:
        hint = "GitHub has a fault; run the job again later"
    if status in _RATE_LIMITED and (until := _limited_until(headers)):
        hint = f"the rate limit is used up{until}; run the job again later"
    said = formatting.one_line(" ".join(_words(body)))[:_MOST_CHARACTERS]
    told = ": ".join(filter(None, (hint, f'GitHub says "{said}"' if said else "")))
    return f"status {status}, {told}" if told else f"status {status}"


def _limited_until(headers: Mapping[str, str]) -> str:
    """Return until when requests are refused, in words; empty where they are not."""
    if headers.get("x-ratelimit-remaining") == "0":
        with contextlib.suppress(ValueError, OverflowError, OSError):
            end = datetime.fromtimestamp(int(headers.get("x-ratelimit-reset", "")), UTC)
            return f" until {end:%H:%M} UTC"
        return " for now"
    wait = headers.get("retry-after", "")
    return f" for {wait} s" if wait.isascii() and wait.isdigit() else ""


def _words(body: object) -> Iterator[str]:
    """Yield what GitHub says: its message, and which fields it does not accept."""
    if not isinstance(body, dict):
        return
    yield str(body.get("message") or "")
    faults: Any = body.get("errors")
    for fault in faults if isinstance(faults, list) else ():
        if not isinstance(fault, dict):
            yield str(fault)
            continue
        named = (fault.get(key) for key in ("field", "code", "message"))
        yield f"({', '.join(str(one) for one in named if one)})"
