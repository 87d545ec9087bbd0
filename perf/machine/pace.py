"""The pace: how fast the cores are in the very seconds in which a block runs.

A shared machine changes its speed within seconds: other virtual machines use the other half
of a physical core, its power and its memory. No counter of the kernel shows that. So a tiny
fixed piece of work runs on every core all the time, up to 33 times a second. Its *CPU time*
tells how fast the core is: a process that waits for a core is not charged. Pace is one over
that time, relative to a fixed time.

The work is two products of single-precision matrices, which is what most layers of a model
come down to: one of 128 x 128 numbers that are not in the cache, which feels the memory,
and one of 256 x 256. It takes less than a fiftieth of a core, in both arms alike, because a
slow core is asked less often; the report tells how much.

The processes run `perf.machine.pace_process`.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from perf.machine.facts import allowed_cores, read_machine
from perf.machine.pace_process import Samples, Spans
from serving.child import Child
from serving.environment import computing

UNIT_S = 1e-4
"""The work's CPU time at a pace of 1."""

MOST_CORES = 16
_START_S = 60.0
_ANSWER_S = 10.0
_FEWEST_SAMPLES = 5


class PaceGauge(Protocol):
    """Tells the pace of a block, as the pairs use it."""

    @property
    def cpu_percent(self) -> float:
        """The CPU that it used, of one core, on each core."""

    def within(self, spans: Spans) -> float | None:
        """Return the mean pace in these spans of the monotonic clock, or None."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Whether each process has a core of its own."""

    by_core: bool

    reason: str = ""
    """Why not."""


class Pace:
    """The processes that measure the pace; `stop` ends them."""

    def __init__(self) -> None:
        """Start a process for each core that may be used; raises ChildError.

        Of many cores, `MOST_CORES` are measured. Where a process cannot be kept on one
        core, as many processes run wherever they are put.
        """
        cores = sorted(allowed_cores())
        # Not more than a quota has cores: each takes a little of one.
        most = min(MOST_CORES, math.ceil(read_machine().usable_cores))
        step = max(1, math.ceil(len(cores) / most))
        self.pinned = _pinned(cores)
        chosen = [str(core) if self.pinned.by_core else "any" for core in cores[::step]]
        self._cpu_s = [0.0] * len(chosen)
        self._children: list[Child] = []
        with ExitStack() as stack:
            for core in chosen:
                child = Child("perf.machine.pace_process", computing(1, "retain"), (core,))
                stack.callback(child.stop)
                self._children.append(child)
            deadline_s = time.monotonic() + _START_S
            for child in self._children:
                child.receive(deadline_s)
            self._begun_s = self._read_s = time.monotonic()
            self._stack = stack.pop_all()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes."""
        return tuple(child.pid for child in self._children)

    @property
    def cpu_percent(self) -> float:
        """The CPU that the processes used up to the last reading, of one core, each.

        It is 0 before the first reading.
        """
        passed_s = self._read_s - self._begun_s
        return 100.0 * statistics.fmean(self._cpu_s) / passed_s if passed_s else 0.0

    def within(self, spans: Spans) -> float | None:
        """Return the geometric mean of the pace over the cores, in all these spans.

        They are pairs of times of the monotonic clock, in seconds and in order. None where
        a core has too few samples, as in a very short block. Raises ChildError where a
        process has died.
        """
        logs = []
        for child in self._children:
            child.send(spans)
        deadline_s = time.monotonic() + _ANSWER_S
        for place, child in enumerate(self._children):
            found = child.receive(deadline_s)
            assert isinstance(found, Samples)
            self._cpu_s[place] = found.cpu_s
            if found.number >= _FEWEST_SAMPLES:
                logs.append(math.log(UNIT_S) - found.mean_log_s)
        self._read_s = time.monotonic()
        if len(logs) < len(self._children):
            return None
        return math.exp(statistics.fmean(logs))

    def stop(self) -> None:
        """End the processes; idempotent."""
        self._stack.close()


def _pinned(cores: list[int]) -> Pinned:
    if not hasattr(os, "sched_setaffinity"):
        return Pinned(by_core=False, reason="this system keeps no process on one core")
    try:
        os.sched_setaffinity(0, cores)  # what holds already
    except OSError as fault:
        return Pinned(by_core=False, reason=f"a core cannot be chosen: {fault.strerror}")
    return Pinned(by_core=True)
