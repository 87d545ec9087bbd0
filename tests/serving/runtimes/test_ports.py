"""Chosen ports are free, and a port that another program holds is refused."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.errors import ConfigError
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
