"""Ports on loopback: free ones, and those that another program holds."""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import secrets
import socket
import sys
from collections.abc import Iterable

from serving.errors import ConfigError, ServerError

LOOPBACK = "127.0.0.1"

# Below the range from which the system takes a port for a program that asks for any. A
# server opens its ports seconds after they were chosen here; what it starts before that may
# ask for dozens.
_CHOICE = range(10_000, 30_000)
_SHARE = 200
_FEWEST_TRIES = 1_000


def refuse_held_port(port: int) -> None:
    """Raise ConfigError where a program listens on `port`, or we may not."""
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT counts as free, one with a listener does not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            held = error.errno == errno.EADDRINUSE
            why = "the port is held by another program" if held else "it cannot be used"
            raise ConfigError(
                f"--perf-port {port}: {why} ({error.strerror}); choose another, or leave "
                "the option out"
            ) from None


def free_ports(names: Iterable[str], first: int = 0) -> dict[str, int]:
    """Return a free port of loopback for each name; the first is `first` if not 0.

    All are held until the last one is chosen, so that they differ. Another process of ours
    that chooses at the same time gets others. Raises ConfigError where `first` is held or
    cannot be used, and ServerError where no port can be.
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
    tries = 0
    while True:
        probe = held.enter_context(socket.socket())
        port = secrets.choice(_own_share() if tries < _FEWEST_TRIES else _CHOICE)
        tries += 1
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ServerError(
                    f"no port of {LOOPBACK} can be opened ({error.strerror})"
                ) from None
        else:
            return port


@functools.cache
def _own_share() -> range:
    """Return the ports that this process chooses from, and no other process of ours.

    Two processes that launch servers at the same time would else choose the same port now
    and then: it is free until a server opens it, seconds later. A share is held by a socket
    with an abstract name, which only Linux has. It ends with the process.
    """
    if sys.platform != "linux":
        return _CHOICE
    shares = list(_CHOICE[::_SHARE])
    while shares:
        first = shares.pop(secrets.randbelow(len(shares)))
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0serving-perf-ports-{first}")
        except OSError:  # another process has this share
            holder.close()
        else:
            _holders.enter_context(holder)
            return range(first, first + _SHARE)
    return _CHOICE


_holders = contextlib.ExitStack()  # open as long as the process lives
atexit.register(_holders.close)
