"""The time from core to core is measured where there are two, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.corelatency import CoreLatency
from serving.child import ChildError
from serving.runtimes.process import group_members
from tests.fakes import PATIENCE_S, ended, wait_until

ROOT = Path(__file__).parents[1]
CORES = sorted(os.sched_getaffinity(0))
needs_two_cores = pytest.mark.skipif(len(CORES) < 2, reason="this machine has one core")

# Measures once, says whose processes they are, and waits to be killed.
_PARENT = """
import signal
from perf.corelatency import CoreLatency
latency = CoreLatency()
latency.measure_ns()
print(latency.pid, flush=True)
signal.pause()
"""

# Gives up on the token at once, then has its usual patience again.
_LOST = """
import os
import perf.corelatency as room
ring = room._Ring(sorted(os.sched_getaffinity(0))[:2])
patience, room._SPINS = room._SPINS, 0
print(ring.measure_ns())
room._SPINS = patience
print(ring.measure_ns())
"""


@pytest.fixture
def latency() -> Iterator[CoreLatency]:
    """The processes that measure, on all cores that we may use."""
    made = CoreLatency()
    yield made
    made.stop()


@needs_two_cores
def test_a_step_takes_some_time(latency: CoreLatency) -> None:
    """Wherever a figure is told it is above zero; another program may cost one."""
    told = [latency.measure_ns() for _ in range(5)]
    known = [step_ns for step_ns in told if step_ns is not None]
    assert known
    assert all(step_ns > 0.0 for step_ns in known)


def test_one_process_a_core(latency: CoreLatency) -> None:
    """Each core has one, up to eight; between two measurements they all sleep."""
    latency.measure_ns()
    group = list(group_members(latency.pid))
    assert len(group) == min(len(CORES), 8)
    wait_until(lambda: _states(group) == {"S"}, "all of them sleep")


def test_on_one_core_there_is_no_step() -> None:
    """Who may use one core alone gets no figure, and no error."""
    os.sched_setaffinity(0, CORES[:1])
    try:
        latency = CoreLatency()  # which inherits it
    finally:
        os.sched_setaffinity(0, CORES)
    try:
        assert latency.measure_ns() is None
        assert len(list(group_members(latency.pid))) == 1
    finally:
        latency.stop()


@needs_two_cores
def test_a_lost_token_is_no_figure_and_harms_no_later_one() -> None:
    """A partner that did not answer in time costs one measurement, not the next."""
    lost, found = _python(_LOST).splitlines()
    assert lost == "None"
    assert float(found) > 0.0


def test_stop_ends_all_of_it(latency: CoreLatency) -> None:
    """After stop every process is gone, in whatever state it was."""
    latency.measure_ns()
    group = list(group_members(latency.pid))
    latency.stop()
    wait_until(lambda: all(ended(pid) for pid in group), "all processes end")


def test_our_own_death_ends_all_of_it() -> None:
    """Where the one that measures by it is killed, no process stays behind."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        group = list(group_members(int(parent.stdout.readline())))
        parent.kill()
    assert len(group) == min(len(CORES), 8)
    wait_until(lambda: all(ended(pid) for pid in group), "all processes end")


def test_its_death_is_told_and_leaves_nothing(latency: CoreLatency) -> None:
    """A killed root is an error of its own, and its partners go with it."""
    latency.measure_ns()
    group = list(group_members(latency.pid))
    os.kill(latency.pid, signal.SIGKILL)
    with pytest.raises(ChildError, match=r"perf\.corelatency died"):
        latency.measure_ns()
    wait_until(lambda: all(ended(pid) for pid in group), "all processes end")


def _python(program: str) -> str:
    return subprocess.check_output(
        [sys.executable, "-c", program], cwd=ROOT, text=True, timeout=PATIENCE_S
    )


def _states(pids: list[int]) -> set[str]:
    """Return the one-letter states of processes (proc_pid_stat(5))."""
    stats = [Path(f"/proc/{pid}/stat").read_text("utf-8") for pid in pids]
    return {stat.rpartition(")")[2].split()[0] for stat in stats}
