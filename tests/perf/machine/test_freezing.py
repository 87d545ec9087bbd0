"""A server at rest does nothing, and goes on afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from perf.machine.freezing import at_rest
from tests.support.fakes import wait_until

FAMILY = "import os, time; os.fork(); print(os.getpid(), flush=True); time.sleep(600)"


@pytest.fixture
def family() -> Iterator[list[psutil.Process]]:
    """A process and its child."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()) for _ in range(2)}
        yield [
            psutil.Process(pid) for pid in sorted(pids, key=lambda pid: pid != parent.pid)
        ]
        os.killpg(parent.pid, 9)


def _stopped(family: list[psutil.Process]) -> list[bool]:
    return [process.status() == psutil.STATUS_STOPPED for process in family]


def test_the_whole_tree_rests(family: list[psutil.Process]) -> None:
    """Parent and child are stopped inside, and neither before nor after."""
    assert _stopped(family) == [False, False]
    with at_rest([family[0].pid]):
        wait_until(lambda: _stopped(family) == [True, True], "both stop")
    wait_until(lambda: _stopped(family) == [False, False], "both go on")


def test_it_goes_on_when_others_fail(family: list[psutil.Process]) -> None:
    """An error, or Ctrl-C, leaves nobody stopped."""
    with pytest.raises(KeyboardInterrupt), at_rest([family[0].pid]):
        raise KeyboardInterrupt
    wait_until(lambda: _stopped(family) == [False, False], "both go on")


def test_who_ended_meanwhile_is_no_fault(family: list[psutil.Process]) -> None:
    """A process that was killed while it rested is left alone, as is one of long ago."""
    with at_rest([family[0].pid, 2**22 + 1]):
        os.kill(family[1].pid, 9)
        wait_until(lambda: family[1].status() == psutil.STATUS_ZOMBIE, "the child ends")
    wait_until(lambda: not _stopped(family)[0], "the parent goes on")
