"""What is at rest is stopped, and continues afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from perf.machine.freezing import Freezer, at_rest
from serving.child import Child
from tests.support.fakes import wait_until

# Each writes its line at once: print may write the newline apart, and mix two lines.
FAMILY = "import os, time; os.fork(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(600)"


@pytest.fixture
def family() -> Iterator[list[psutil.Process]]:
    """A process and its child."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None
            (child,) = {int(parent.stdout.readline()) for _ in range(2)} - {parent.pid}
            yield [psutil.Process(parent.pid), psutil.Process(child)]
        finally:
            os.killpg(parent.pid, 9)


def _stopped(family: list[psutil.Process]) -> list[bool]:
    return [process.status() == psutil.STATUS_STOPPED for process in family]


def test_the_whole_tree_is_stopped(family: list[psutil.Process]) -> None:
    """Parent and child are stopped inside the block, and not before or after it."""
    assert _stopped(family) == [False, False]
    with at_rest([family[0].pid]):
        wait_until(lambda: _stopped(family) == [True, True], "both stop")
    wait_until(lambda: _stopped(family) == [False, False], "both continue")


def test_it_continues_after_an_error(family: list[psutil.Process]) -> None:
    """After an error, or Ctrl-C, no process stays stopped."""

    def interrupt() -> None:
        wait_until(lambda: _stopped(family) == [True, True], "both stop")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), at_rest([family[0].pid]):
        interrupt()
    wait_until(lambda: _stopped(family) == [False, False], "both continue")


def test_a_process_that_ended_is_no_error(family: list[psutil.Process]) -> None:
    """A process may end while it is stopped, and a root may not exist at all."""
    with at_rest([2**22 + 1, family[0].pid]):
        wait_until(lambda: _stopped(family) == [True, True], "both stop")
        os.kill(family[1].pid, 9)
        wait_until(lambda: family[1].status() == psutil.STATUS_ZOMBIE, "the child ends")
    wait_until(lambda: not _stopped(family)[0], "the parent continues")


def test_dockers_own_process_is_not_stopped(
    family: list[psutil.Process], tmp_path: Path
) -> None:
    """The engine needs it to end the container, also if this run is killed meanwhile.

    What is stopped after it has stopped already, so it would have too.
    """
    shim = tmp_path / "containerd-shim-runc-v2"
    shutil.copy("/bin/sleep", shim)
    with subprocess.Popen([shim, "600"]) as process:
        try:
            seen = psutil.Process(process.pid)
            wait_until(lambda: seen.name().startswith("containerd-shim"), "it has begun")
            with at_rest([process.pid, family[0].pid]):
                wait_until(lambda: _stopped(family) == [True, True], "the others stop")
                assert seen.status() != psutil.STATUS_STOPPED
        finally:
            process.kill()


def test_a_freezer_stops_the_group_again_and_again(family: list[psutil.Process]) -> None:
    """The tree's own group is stopped as a whole, so each member stops and continues."""
    freezer = Freezer.of([family[0].pid])
    assert freezer.groups == {family[0].pid}
    assert freezer.pids == frozenset()
    for _ in range(3):
        freezer.stop()
        wait_until(lambda: _stopped(family) == [True, True], "both stop")
        freezer.go()
        wait_until(lambda: _stopped(family) == [False, False], "both continue")


def test_a_group_that_others_share_is_not_stopped(family: list[psutil.Process]) -> None:
    """Of a tree whose group is led from outside, only its own processes are stopped."""
    freezer = Freezer.of([family[1].pid])
    assert freezer.groups == frozenset()
    assert freezer.pids == {family[1].pid}
    freezer.stop()
    wait_until(lambda: _stopped(family)[1], "the child stops")
    assert not _stopped(family)[0]
    freezer.go()
    wait_until(lambda: not _stopped(family)[1], "the child continues")


def test_what_ended_is_no_error(family: list[psutil.Process]) -> None:
    """Groups and processes that are gone are passed over; the others stop and continue."""
    parent, child = (one.pid for one in family)
    freezer = Freezer(frozenset({2**22 + 1, parent}), frozenset({2**22 + 2, child}))
    freezer.stop()
    wait_until(lambda: _stopped(family) == [True, True], "both stop")
    freezer.go()
    wait_until(lambda: _stopped(family) == [False, False], "both continue")
    assert Freezer.of([2**22 + 1]) == Freezer(frozenset(), frozenset())


@pytest.mark.slow(reason="starts a guard")
def test_stopped_processes_continue_if_their_stopper_dies(
    family: list[psutil.Process],
) -> None:
    """The guard lets the last ones that it was told of continue when its pipe closes."""
    guard = Child("perf.machine.thawing_process")
    freezer = Freezer.of([family[0].pid])
    guard.send((freezer.groups, freezer.pids))
    guard.receive(time.monotonic() + 30.0)
    freezer.stop()
    wait_until(lambda: _stopped(family) == [True, True], "both stop")
    guard.stop()  # closes the pipe, as the death of this process would
    wait_until(lambda: _stopped(family) == [False, False], "both continue")
