"""The proof that nothing is left behind sees what is, and nothing but what is ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial

import psutil
import pytest

import tests.support.leftovers as proof
from perf.machine.lock import session_name
from serving.runtimes.base import SESSION_VARIABLE
from tests.support.fakes import ended, wait_until
from tests.support.leftovers import Place, leaving_nothing

# Leaves a child behind, in a session of its own, and tells who it is.
ORPHAN = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.closerange(1, 3)
    time.sleep(600)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the proof not wait for what will not go."""
    monkeypatch.setattr(proof, "_PATIENCE_S", 0.0)


def _leave_orphan(env: Mapping[str, str], left: list[int]) -> None:
    told = subprocess.check_output([sys.executable, "-c", ORPHAN], env=env, text=True)
    left.append(int(told))
    assert psutil.Process(left[0]).ppid() != os.getpid()


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: ended(pid), "the end of what was left")


@pytest.mark.usefixtures("impatient")
def test_an_orphan_is_seen(place: Place) -> None:
    """A process whose parent is gone is known by its mark, and by our label alone."""
    for env in (dict(os.environ), {SESSION_VARIABLE: session_name()}):
        left: list[int] = []
        leave = partial(_leave_orphan, env, left)
        with pytest.raises(AssertionError, match=r"left behind: .*os\.setsid"):
            _within(place, leave)
        _end(left[0])


@pytest.mark.usefixtures("impatient")
def test_a_strangers_process_is_not(place: Place, other_run: str) -> None:
    """What another run started is that run's business."""
    left: list[int] = []
    _within(place, partial(_leave_orphan, {SESSION_VARIABLE: other_run}, left))
    _end(left[0])


@pytest.mark.usefixtures("impatient")
def test_a_child_without_the_mark_is_seen(place: Place) -> None:
    """A child that got another environment is known by its parent."""
    left: list[subprocess.Popen[bytes]] = []
    with pytest.raises(AssertionError, match=r"left behind: .*/bin/sleep 600"):
        _within(place, lambda: left.append(subprocess.Popen(["/bin/sleep", "600"], env={})))
    left[0].kill()
    left[0].wait()


@pytest.mark.usefixtures("impatient")
def test_a_listening_socket_is_seen(place: Place) -> None:
    """A socket that still listens is left behind; one that was closed is not."""
    _within(place, lambda: socket.create_server(("127.0.0.1", 0)).close())
    left: list[socket.socket] = []
    with pytest.raises(AssertionError, match=r"left behind: .*socket .*127\.0\.0\.1"):
        _within(place, lambda: left.append(socket.create_server(("127.0.0.1", 0))))
    left[0].close()


@pytest.mark.usefixtures("impatient")
def test_a_folder_is_seen(place: Place) -> None:
    """A folder in the temporary folder is left behind; the run lock's file may stay."""
    _within(place, (place.folder / "serving-perf.lock").touch)
    folder = place.folder / "serving-perf-left"
    with pytest.raises(AssertionError, match=f"left behind: .*{folder}"):
        _within(place, folder.mkdir)
    folder.rmdir()


@pytest.mark.usefixtures("impatient")
def test_what_was_there_before_is_not(place: Place) -> None:
    """A module's server runs on between its tests: that is no test's fault."""
    with socket.create_server(("127.0.0.1", 0)), leaving_nothing(place):
        pass


def _within(place: Place, leave: Callable[[], object]) -> None:
    with leaving_nothing(place):
        leave()
