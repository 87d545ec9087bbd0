"""Chosen ports are free, and a port that another program holds is refused."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.errors import ConfigError, ServerError
from serving.runtimes.ports import LOOPBACK, free_ports, refuse_held_port
from serving.runtimes.process import ProcessRuntime


def test_free_ports_differ() -> None:
    """Each name gets its own port, on which a server can listen."""
    chosen = free_ports([f"port{number}" for number in range(20)]).values()
    assert len(set(chosen)) == 20
    for port in chosen:
        socket.create_server((LOOPBACK, port)).close()


def test_free_ports_are_none_that_systems_give_out() -> None:
    """A program that later asks the system for any port does not get one of them."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text("ascii").split()[0]) if given.exists() else 49152
    assert max(free_ports([f"port{number}" for number in range(20)]).values()) < lowest


def test_a_held_port_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first choice is held, another port is chosen."""
    with socket.create_server((LOOPBACK, 0)) as stranger:
        taken = stranger.getsockname()[1]
        (free,) = free_ports(["one"]).values()
        chosen = iter([taken, free])
        monkeypatch.setattr(secrets, "choice", lambda _: next(chosen))
        assert free_ports(["one"]) == {"one": free}


def test_two_processes_choose_different_ports() -> None:
    """Also while neither has opened its ports; a share is free again after its process."""
    program = (
        "import sys; from serving.runtimes import ports; "
        "print(*ports.free_ports(map(str, range(20))).values(), flush=True); "
        "share = ports._own_share(); print(share.start, share.stop, flush=True); "
        "sys.stdin.read()"
    )
    shares: list[range] = []
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert process.stdout is not None
            chosen, ends = (process.stdout.readline().split() for _ in range(2))
            shares.append(range(*map(int, ends)))
            assert all(int(port) in shares[-1] for port in chosen)
        assert len({share.start for share in shares}) == len(shares)
    for share in shares:
        with socket.socket(socket.AF_UNIX) as holder:
            holder.bind(f"\0serving-perf-ports-{share.start}")


def test_first_port_is_the_one_asked_for() -> None:
    """The first name gets the fixed port, the others get free ones."""
    fixed = free_ports(["one"])["one"]
    chosen = free_ports(["inference", "management", "metrics"], fixed)
    assert list(chosen) == ["inference", "management", "metrics"]
    assert chosen["inference"] == fixed
    assert len(set(chosen.values())) == 3


def test_strangers_port_is_refused() -> None:
    """Where a program listens on the port, one line names the port and the option."""
    with socket.create_server((LOOPBACK, 0)) as stranger:
        port = stranger.getsockname()[1]
        told = rf"^--perf-port {port}: the port is held by another program \(.+\); choose"
        with pytest.raises(ConfigError, match=told):
            refuse_held_port(port)
        with pytest.raises(ConfigError, match=told):
            ProcessRuntime("session", port=port).place(("inference", "management"))


class Refusing(socket.socket):
    """A socket that may not be bound, as one of a privileged port."""

    def bind(self, _: object) -> None:
        """Refuse."""
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_only_a_port_in_use_is_held_by_another_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any other reason is told as it is. No free port is sought for ever."""
    free_ports(["one"])  # it keeps its share of the ports, which is a socket too
    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(ConfigError, match=r"^--perf-port 80: it cannot be .*\(Permission"):
        refuse_held_port(80)
    with pytest.raises(ServerError, match=r"^no port of .* \(Permission denied\)$"):
        free_ports(["one"])


def test_strangers_port_on_all_addresses_is_refused() -> None:
    """A program that listens on every address holds the port of loopback too."""
    with socket.create_server(("", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--perf-port {port}"):
            refuse_held_port(port)


def test_port_of_a_connection_that_just_ended_is_free() -> None:
    """A port is not refused because a server has just closed a connection on it."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps the port in TIME_WAIT
            assert client.recv(1) == b""
    refuse_held_port(port)
