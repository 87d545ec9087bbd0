"""Sums over the readings of a `Monitor`: CPU time, and peak memory."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from perf.machine.processes import pss_bytes, walk

_MIN_WINDOW_S = 0.5  # the kernel counts CPU time in hundredths of a second
_NEAR_HIGHEST = 0.9


@dataclass(slots=True)
class Reading:
    """The counters of all process trees at one moment."""

    at_s: float
    """The time of the reading, on the monotonic clock."""

    cpu_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """The CPU time of each part so far."""

    rss_bytes: int = 0
    """The memory of all processes together."""

    pids: list[int] = field(default_factory=list)
    """All processes of the trees."""

    roots: set[tuple[str, int, float]] = field(default_factory=set)
    """The roots that are alive, as (part, pid, time of its start)."""

    @property
    def total_s(self) -> float:
        """The CPU time of all parts so far."""
        return sum(self.cpu_s.values())


def read_trees(roots: Mapping[str, tuple[int, ...]], at_s: float) -> Reading:
    """Read the trees under `roots`, which maps the name of a part to its roots.

    `at_s` is the time of the reading.
    """
    reading = Reading(at_s)
    for part, pid, process in walk(roots):
        reading.cpu_s[part] += process.cpu_s
        reading.rss_bytes += process.rss_bytes
        reading.pids.append(pid)
        if pid in roots[part]:
            reading.roots.add((part, pid, process.started))
    return reading


class CpuTally:
    """Adds up the CPU time of blocks.

    `resume` takes the reading at the beginning of a block, `add` each later one.
    """

    def __init__(self, usable_cores: float) -> None:
        """Start at zero; percentages are of all `usable_cores` together."""
        self._usable_cores = usable_cores
        self._last = self._window = Reading(0.0)
        self._counted_s = 0.0
        self._max: float | None = None
        self.by_part: defaultdict[str, float] = defaultdict(float)

    def resume(self, reading: Reading) -> None:
        """Begin a block."""
        self._last = self._window = reading

    def add(self, reading: Reading) -> Mapping[str, float]:
        """Count what was used since the last reading, unless a root came or went.

        Return the CPU time that each part used since then, in seconds; empty where it
        was not counted.
        """
        last = self._last
        if reading.roots != last.roots or not reading.roots:
            self.resume(reading)
            return {}
        # A job that ends while the table is read can be missing from this reading, and be
        # counted in the next one. So a counter that falls keeps its last value.
        for part, before_s in last.cpu_s.items():
            reading.cpu_s[part] = max(reading.cpu_s[part], before_s)
        used_s = {part: now_s - last.cpu_s[part] for part, now_s in reading.cpu_s.items()}
        for part, part_s in used_s.items():
            self.by_part[part] += part_s
        self._counted_s += reading.at_s - last.at_s
        self._last = reading
        wall_s = reading.at_s - self._window.at_s
        if wall_s >= _MIN_WINDOW_S:
            percent = self._percent(reading.total_s - self._window.total_s, wall_s)
            self._max = max(self._max or 0.0, percent)
            self._window = reading
        return used_s

    def used_s(self) -> float:
        """Return the CPU time of all parts over all blocks, in seconds."""
        return sum(self.by_part.values())

    def percent_mean(self) -> float | None:
        """Return the mean over all blocks, or None where nothing was counted."""
        if not self._counted_s:
            return None
        return self._percent(self.used_s(), self._counted_s)

    def percent_max(self) -> float | None:
        """Return the highest value over half a second or more; at least the mean."""
        mean = self.percent_mean()
        return mean if mean is None or self._max is None else max(mean, self._max)

    def _percent(self, used_s: float, wall_s: float) -> float:
        return min(100.0, 100.0 * used_s / wall_s / self._usable_cores)


class MemoryTally:
    """Keeps the highest memory of all readings.

    RSS is in every reading. PSS is read in addition, where its cost is worth it.
    """

    def __init__(self) -> None:
        """Start without a value."""
        self._pss_readable = sys.platform == "linux"
        self._pss_cost_s = 0.0
        self._peak_pss: int | None = None
        self._peak_rss: int | None = None
        self._block_pss: int | None = None
        self._block_rss: int | None = None
        self.last_bytes: dict[str, int] = {}
        """The memory of the last reading by kind; pss is missing where it was not read."""

    def resume(self) -> None:
        """Begin a block."""
        self._block_pss = self._block_rss = None

    def add(self, reading: Reading, budget_s: float) -> float:
        """Count one reading; return the CPU time that was spent on PSS, in seconds.

        PSS is read at the first time in each block. Later it is read if it costs at most
        `budget_s`, and may have a new highest value.
        """
        self.last_bytes = {}
        if not reading.roots:
            return 0.0
        self.last_bytes["rss"] = reading.rss_bytes
        self._peak_rss = max(self._peak_rss or 0, reading.rss_bytes)
        self._block_rss = max(self._block_rss or 0, reading.rss_bytes)
        if not self._pss_readable or not self._pays(reading.rss_bytes, budget_s):
            return 0.0
        start_s = time.thread_time()
        pss = pss_bytes(reading.pids)
        self._pss_cost_s = time.thread_time() - start_s
        if pss is None:
            self._pss_readable = False
        else:
            self.last_bytes["pss"] = pss
            self._peak_pss = max(self._peak_pss or 0, pss)
            self._block_pss = max(self._block_pss or 0, pss)
        return self._pss_cost_s

    def peak_bytes(self) -> int | None:
        """Return the highest memory, or None where none was read."""
        return self._peak_pss if self._pss_readable else self._peak_rss

    def block_bytes(self) -> int | None:
        """Return the highest memory since `resume`, or None where none was read."""
        return self._block_pss if self._pss_readable else self._block_rss

    def kind(self) -> str:
        """Return what the memory is: pss or rss."""
        return "pss" if self._pss_readable else "rss"

    def _pays(self, rss: int, budget_s: float) -> bool:
        """Return whether PSS is worth its cost now.

        PSS is at most RSS, which is known already. So PSS can only rise above its peak if
        RSS lies above that peak. It most likely does if RSS is near its own peak.
        """
        if self._peak_pss is None or self._block_pss is None:
            return True  # every block needs a value; later samples wait until it is paid
        if budget_s < self._pss_cost_s:
            return False
        return rss > max(self._peak_pss, int(_NEAR_HIGHEST * (self._peak_rss or 0)))
