"""Ports on loopback: free ones, and those that another program holds."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterable

from serving.errors import ConfigError

LOOPBACK = "127.0.0.1"

# Below the range from which the system takes a port for a program that asks for any. A
# server opens its ports seconds after they were chosen here; what it starts before that may
# ask for dozens.
_CHOICE = range(10_000, 30_000)


def refuse_held_port(port: int) -> None:
    """Raise ConfigError where a program already listens on `port`."""
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT counts as free, one with a listener does not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ConfigError(
                f"--perf-port {port}: the port is held by another program "
                f"({error.strerror}); choose another, or leave the option out"
            ) from None


def free_ports(names: Iterable[str], first: int = 0) -> dict[str, int]:
    """Return a free port of loopback for each name; the first is `first` if not 0.

    All are held until the last one is chosen, so that they differ. Raises ConfigError
    where another program holds `first`.
    """
    names = list(names)
    ports: dict[str, int] = {}
    if first:
        refuse_held_port(first)
        ports[names.pop(0)] = first
    with contextlib.ExitStack() as held:
        for name in names:
            ports[name] = _hold_any(held)
    return ports


def _hold_any(held: contextlib.ExitStack) -> int:
    while True:
        probe = held.enter_context(socket.socket())
        port = secrets.choice(_CHOICE)
        # A port that is held is skipped.
        with contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
