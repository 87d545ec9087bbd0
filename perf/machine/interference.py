"""How the CPU was shared while a block ran: by us, by others, by the host.

The kernel's counters are read before and after each block, so nothing is read meanwhile.

- *Stolen* CPU is what the host of a virtual machine gave to others while this machine
  wanted it (proc_stat(5)).
- *Throttled* is the time for which a container's quota stopped us (cpu.stat, cgroups(7)),
  summed over its cores.
- *Foreign* CPU is all that was used on our cores by processes that are not part of the
  experiment.

The kernel counts the machine's time in ticks. So the foreign CPU is only accurate over many
blocks, and can be negative in a single one. Outside Linux all of them are 0.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from perf.machine.facts import allowed_cores, cgroup_folders, read_machine
from perf.machine.processes import cpu_seconds, read_table, walk

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq
_STOLEN = 7
_NAMED = 3  # foreign processes
_CORE = re.compile(r"^cpu(\d+) (.*)$", re.MULTILINE)
# What cgroups of version 1 and 2 call the throttled time, and their units in a second.
_PER_S = {"throttled_time": 1e9, "throttled_usec": 1e6}


class Counters(NamedTuple):
    """The machine's counters at one moment, in seconds since it was started."""

    at_s: float
    busy_s: float
    stolen_s: float
    throttled_s: float
    own_s: float

    foreign: Mapping[tuple[int, float], tuple[str, float]]
    """Name and CPU time of every other process, by its id and the time of its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How the CPU was shared during one block; CPU time in seconds."""

    duration_s: float
    """The length of the block on the clock."""

    own_s: float
    """The CPU time of the experiment."""

    foreign_s: float
    """The CPU time of all other processes."""

    stolen_s: float
    throttled_s: float

    idle_arm_s: float = 0.0
    """The CPU time of the arm that was not measured; it is part of `own_s`."""

    busiest: Mapping[str, float] = field(default_factory=dict)
    """The CPU time of the foreign processes that used most, by name and id.

    A process that began or ended during the block is not among them.
    """


class Watch:
    """Measures the conditions of blocks."""

    def __init__(
        self,
        own: Callable[[], Iterable[int]],
        proc: Path = _PROC,
        cgroup: Path = _CGROUP,
    ) -> None:
        """Watch the cores that this process may use.

        `own` returns the roots of the experiment's process trees. It is called at every
        reading.
        """
        self._own = own
        self._proc = proc
        self._cores = allowed_cores()
        self._throttles = list(cgroup_folders(proc, cgroup, "cpu"))
        # With a quota we have a part of these cores, and the kernel counts what happens on
        # all of each.
        usable_cores = read_machine(proc, cgroup).usable_cores
        self._part = usable_cores / max(1, len(self._cores))

    @contextmanager
    def block(self, idle_arm: Iterable[int] = ()) -> Iterator[list[Conditions]]:
        """Yield a list that contains the conditions of the block after its end.

        `idle_arm` are the roots of the arm that should be idle during the block. The list
        stays empty where the block raises.
        """
        found: list[Conditions] = []
        idle_pids = tuple(idle_arm)
        before, idle_before_s = self._read(), cpu_seconds(idle_pids)
        yield found
        after, idle_after_s = self._read(), cpu_seconds(idle_pids)
        own_s = max(0.0, after.own_s - before.own_s)
        foreign_s = self._part * (after.busy_s - before.busy_s - own_s)
        found.append(
            Conditions(
                duration_s=after.at_s - before.at_s,
                own_s=own_s,
                foreign_s=foreign_s,
                stolen_s=self._part * (after.stolen_s - before.stolen_s),
                throttled_s=after.throttled_s - before.throttled_s,
                idle_arm_s=max(0.0, idle_after_s - idle_before_s),
                busiest=_busiest(before, after, foreign_s),
            )
        )

    def _read(self) -> Counters:
        ours = [ticks for core, ticks in _ticks(self._proc) if core in self._cores]
        tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        table = read_table()
        own = {pid: one.cpu_s for _, pid, one in walk({"": tuple(self._own())}, table)}
        return Counters(
            at_s=time.monotonic(),
            busy_s=tick_s * sum(ticks[i] for ticks in ours for i in _BUSY),
            stolen_s=tick_s * sum(ticks[_STOLEN] for ticks in ours),
            throttled_s=sum(_throttled_s(folder) for folder in self._throttles),
            own_s=sum(own.values()),
            foreign={
                (pid, one.started): (one.name, one.cpu_s)
                for pid, one in table.items()
                if pid not in own
            },
        )


def _busiest(before: Counters, after: Counters, foreign_s: float) -> dict[str, float]:
    """Return the processes that used most, each with at most what all of them used.

    A process that waited for a child which has ended is charged with the child's whole CPU
    time, and most of that may lie before the block.
    """
    used = {
        f"{name} ({pid})": min(foreign_s, now_s - before.foreign[pid, started][1])
        for (pid, started), (name, now_s) in after.foreign.items()
        if (pid, started) in before.foreign
    }
    chosen = sorted(used, key=lambda name: used[name], reverse=True)[:_NAMED]
    return {name: used[name] for name in chosen if used[name] > 0.0}


def _ticks(proc: Path) -> Iterator[tuple[int, list[int]]]:
    """Yield each core's number and its counters, in ticks."""
    for core, counters in _CORE.findall(_text(proc / "stat")):
        yield int(core), [int(number) for number in counters.split()]


def _throttled_s(folder: Path) -> float:
    text = _text(folder / "cpu.stat")
    for name, per_s in _PER_S.items():
        found = re.search(rf"^{name} (\d+)$", text, re.MULTILINE)
        if found:
            return int(found[1]) / per_s
    return 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
