"""The check for leftovers finds what a test left, and ignores what others started."""

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

from perf.machine.lock import session_name
from serving.runtimes.base import SESSION_VARIABLE
from tests.support import leftovers
from tests.support.fakes import ended, wait_until
from tests.support.leftovers import Place, leaving_nothing

# Leaves a child behind, in a session of its own, and prints its process id.
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
    """Let the check report at once, without waiting for leftovers to end."""
    monkeypatch.setattr(leftovers, "_PATIENCE_S", 0.0)


def _leave_orphan(env: Mapping[str, str], left: list[int]) -> None:
    told = subprocess.check_output([sys.executable, "-c", ORPHAN], env=env, text=True)
    left.append(int(told))
    assert psutil.Process(left[0]).ppid() != os.getpid()


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: ended(pid), "the end of what was left")


@pytest.mark.usefixtures("impatient")
def test_an_orphan_is_found(place: Place) -> None:
    """A process without its parent is found by its mark, and by our label alone."""
    for env in (dict(os.environ), {SESSION_VARIABLE: session_name()}):
        left: list[int] = []
        leave = partial(_leave_orphan, env, left)
        with pytest.raises(AssertionError, match=r"left behind: .*os\.setsid"):
            _within(place, leave)
        _end(left[0])


@pytest.mark.usefixtures("impatient")
def test_a_process_of_another_run_is_ignored(place: Place, other_run: str) -> None:
    """Another run cleans up what it started."""
    left: list[int] = []
    _within(place, partial(_leave_orphan, {SESSION_VARIABLE: other_run}, left))
    _end(left[0])


@pytest.mark.usefixtures("impatient")
def test_a_child_without_the_mark_is_found(place: Place) -> None:
    """A child with another environment is found through its parent."""
    left: list[subprocess.Popen[bytes]] = []
    with pytest.raises(AssertionError, match=r"left behind: .*/bin/sleep 600"):
        _within(place, lambda: left.append(subprocess.Popen(["/bin/sleep", "600"], env={})))
    left[0].kill()
    left[0].wait()


@pytest.mark.usefixtures("impatient")
def test_a_listening_socket_is_found(place: Place) -> None:
    """A socket that still listens is a leftover; a closed one is not."""
    _within(place, lambda: socket.create_server(("127.0.0.1", 0)).close())
    left: list[socket.socket] = []
    with pytest.raises(AssertionError, match=r"left behind: .*socket .*127\.0\.0\.1"):
        _within(place, lambda: left.append(socket.create_server(("127.0.0.1", 0))))
    left[0].close()


@pytest.mark.usefixtures("impatient")
def test_a_folder_is_found(place: Place) -> None:
    """A folder in the temporary folder is a leftover; one that torch makes is not."""
    _within(place, (place.folder / "torchinductor_me").mkdir)
    folder = place.folder / "serving-perf-left"
    with pytest.raises(AssertionError, match=f"left behind: .*{folder}"):
        _within(place, folder.mkdir)
    folder.rmdir()


@pytest.mark.usefixtures("impatient")
def test_what_was_there_before_is_ignored(place: Place) -> None:
    """A server that a module shares still runs after a test, and is no leftover of it."""
    with socket.create_server(("127.0.0.1", 0)), leaving_nothing(place):
        pass


def _within(place: Place, leave: Callable[[], object]) -> None:
    with leaving_nothing(place):
        leave()
