"""Wait until a server is ready: at most until a deadline, and not after its death."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import requests

from serving.errors import ServerError

_POLL_S = 0.2
_REQUEST_S = 5.0

T = TypeVar("T")


class Started(Protocol):
    """A program that was started, or the server around it."""

    def exit_reason(self) -> str | None:
        """Return None while it lives, else in a few words why it ended."""

    def log_tail(self) -> str:
        """Return the end of its log."""


def wait_ready(
    started: Started, probe: Callable[[], T | None], timeout_s: float, what: str
) -> T:
    """Return the first answer of `probe` that is not None.

    Raises ServerError, with the end of the log, where the program dies, where `probe` finds
    that it will never be ready, or after `timeout_s` seconds.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        answer = probe()
        if answer is not None:
            return answer
        reason = started.exit_reason()
        if reason is not None:
            raise ServerError(
                f"{what} died before it was ready ({reason})", log_tail=started.log_tail()
            )
        if time.monotonic() > deadline_s:
            raise ServerError(
                f"{what} was not ready within {timeout_s:g} s; "
                "--perf-startup-timeout gives it longer",
                log_tail=started.log_tail(),
            )
        time.sleep(_POLL_S)


def get_json(address: tuple[str, int], path: str) -> object | None:
    """Return the JSON at `path`, or None where the server does not answer with 200."""
    try:
        answer: object = json.loads(get_text(address, path) or "")
    except ValueError:
        return None
    return answer


def get_text(address: tuple[str, int], path: str) -> str | None:
    """Return the text at `path`, or None where the server does not answer with 200."""
    with requests.Session() as session:
        session.trust_env = False  # loopback never goes through a proxy
        try:
            reply = session.get(
                f"http://{address[0]}:{address[1]}{path}", timeout=_REQUEST_S
            )
        except requests.RequestException:
            return None
    return reply.text if reply.ok else None
