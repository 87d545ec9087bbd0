"""CPU and memory of the whole experiment: jobs, servers and harness, both arms alike.

CPU comes from the counters that the kernel keeps for each process, read where a block
begins and where it ends, so the mean is exact; only the maximum and the memory are
sampled. Memory is PSS (Linux, /proc/PID/smaps_rollup): a page that n processes share
counts a nth in each, so a sum over processes counts it once. Where PSS cannot be read (a
process of another user, no smaps_rollup, another system than Linux) the whole measurement
falls back to RSS and says so: a shared page then counts once for every process.

Outside Linux the CPU of processes that ended between two readings is lost as well.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from perf.machine.processes import pss_bytes, walk

ELSEWHERE = "elsewhere"

# Shares of one core. A pass over the process table costs about 10 us a process and is made
# often; PSS costs about 10 ms a GiB and gets what is left of the whole. The two passes
# around a block are always made: where blocks are short, samples within them make way.
_TABLE_SHARE = 0.003
_WHOLE_SHARE = 0.008
_MIN_DELAY_S = 0.25
_MIN_WINDOW_S = 0.5  # the kernel tells CPU in hundredths of a second
_NEAR_HIGHEST = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the measured blocks used.

    `cpu_percent_mean` and `_max` are of all usable cores together, 0 to 100; the maximum
    is over intervals of at least half a second, and never below the mean. Both are None
    where no process was seen, `peak_memory_bytes` where memory was never sampled.
    `memory_kind` is pss, rss, or cgroup where some of it came from elsewhere.
    `own_cpu_percent` is the monitor's own share of one core. `duration_s` is the length
    of the measured blocks and `cpu_seconds_by_part` the CPU used in them.
    """

    cpu_percent_mean: float | None
    cpu_percent_max: float | None
    peak_memory_bytes: int | None
    memory_kind: str
    samples: int
    own_cpu_percent: float
    duration_s: float
    cpu_seconds_by_part: Mapping[str, float]


class Monitor:
    """Measures CPU and memory of process trees, in the blocks marked by `measuring`.

    `roots` names the trees by part (jobs, server, harness); it is asked anew at every
    reading, so that a server launched again is followed. A process belongs to its nearest
    root, so trees may lie inside each other; the part IGNORED counts for nothing. Roots
    must outlive a block (the process that starts the jobs, not a job): an interval in
    which one came or went is left out, its time as well as its CPU.

    `elsewhere` gives (CPU in seconds so far, memory in bytes) of what cannot be seen from
    here, such as containers in a virtual machine. Both callables are called from the
    monitor's thread too and must not wait; what they raise is raised again by `stop`.
    """

    def __init__(
        self,
        roots: Callable[[], Mapping[str, tuple[int, ...]]],
        *,
        usable_cores: float,
        elsewhere: Callable[[], tuple[float, int]] | None = None,
    ) -> None:
        assert usable_cores > 0
        self._roots = roots
        self._elsewhere = elsewhere
        self._cpu = _CpuTally(usable_cores)
        self._memory = _MemoryTally(outside=elsewhere is not None)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._block_start_s: float | None = None  # None between blocks
        self._closed_s = self._own_s = 0.0
        self._samples = 0
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        if exc is None:
            self.stop()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Count what happens inside; blocks follow each other and do not overlap."""
        assert self._block_start_s is None, "one block at a time"
        with self._lock:
            reading = self._read()
            self._cpu.resume(reading)
            self._block_start_s = reading.at_s
        self._wake.set()
        try:
            yield
        finally:
            self._wake.clear()
            with self._lock:
                start_s, self._block_start_s = self._block_start_s, None
                reading = self._read()
                self._cpu.add(reading)
                self._closed_s += reading.at_s - start_s

    def stop(self) -> Usage:
        """End the thread and return what the blocks used; after the last one; idempotent.

        Raises what `roots` or `elsewhere` raised in the thread.
        """
        self._end()
        if self._fault is not None:
            raise self._fault
        cpu, closed_s = self._cpu, self._closed_s
        return Usage(
            cpu_percent_mean=cpu.percent_mean(),
            cpu_percent_max=cpu.percent_max(),
            peak_memory_bytes=self._memory.peak_bytes(),
            memory_kind=self._memory.kind(),
            samples=self._samples,
            own_cpu_percent=100.0 * self._own_s / closed_s if closed_s else 0.0,
            duration_s=closed_s,
            cpu_seconds_by_part=dict(cpu.by_part),
        )

    def _end(self) -> None:
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        delay_s = _MIN_DELAY_S
        try:
            while self._wake.wait() and not self._ended.wait(delay_s):
                with self._lock:
                    if self._block_start_s is not None:
                        delay_s = self._sample(self._block_start_s)
        except Exception as fault:  # noqa: BLE001 -- raised again by stop
            self._fault = fault

    def _sample(self, block_start_s: float) -> float:
        """Take one sample, unless too much was spent; return the seconds until the next."""
        elapsed_s = self._closed_s + time.monotonic() - block_start_s
        allowed_s = _WHOLE_SHARE * elapsed_s
        if self._samples and self._own_s > allowed_s:
            return _MIN_DELAY_S
        own_before_s = self._own_s
        reading = self._read()
        table_s = self._own_s - own_before_s
        self._cpu.add(reading)
        self._own_s += self._memory.add(reading, allowed_s - self._own_s)
        self._samples += 1
        return max(_MIN_DELAY_S, table_s / _TABLE_SHARE)

    def _read(self) -> _Reading:
        start_s = time.thread_time()
        at_s = time.monotonic()
        reading = _Reading(at_s)
        roots = self._roots()
        for part, pid, process in walk(roots):
            reading.cpu_s[part] += process.cpu_s
            reading.rss_bytes += process.rss_bytes
            reading.pids.append(pid)
            if pid in roots[part]:
                reading.roots.add((part, pid, process.started))
        if self._elsewhere is not None:
            reading.cpu_s[ELSEWHERE], reading.outside_bytes = self._elsewhere()
            reading.roots.add((ELSEWHERE, 0, 0.0))
        self._own_s += time.thread_time() - start_s
        return reading


@dataclass(slots=True)
class _Reading:
    """The counters at one moment. `roots` are those alive, as (part, pid, started)."""

    at_s: float
    cpu_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    rss_bytes: int = 0
    outside_bytes: int = 0
    pids: list[int] = field(default_factory=list)
    roots: set[tuple[str, int, float]] = field(default_factory=set)

    @property
    def total_s(self) -> float:
        return sum(self.cpu_s.values())


class _CpuTally:
    """Adds up CPU over the blocks; `resume` begins a block, `add` is each later reading."""

    def __init__(self, usable_cores: float) -> None:
        self._usable_cores = usable_cores
        self._last = self._window = _Reading(0.0)
        self._counted_s = 0.0
        self._max: float | None = None
        self.by_part: defaultdict[str, float] = defaultdict(float)

    def resume(self, reading: _Reading) -> None:
        self._last = self._window = reading

    def add(self, reading: _Reading) -> None:
        last = self._last
        if reading.roots != last.roots or not reading.roots:
            self.resume(reading)
            return
        # A job that its parent waited for during the pass is missing from this reading
        # alone: the counter may dip, and keeps its height until the next one.
        for part, before_s in last.cpu_s.items():
            reading.cpu_s[part] = max(reading.cpu_s[part], before_s)
        for part, now_s in reading.cpu_s.items():
            self.by_part[part] += now_s - last.cpu_s[part]
        self._counted_s += reading.at_s - last.at_s
        self._last = reading
        wall_s = reading.at_s - self._window.at_s
        if wall_s >= _MIN_WINDOW_S:
            percent = self._percent(reading.total_s - self._window.total_s, wall_s)
            self._max = max(self._max or 0.0, percent)
            self._window = reading

    def percent_mean(self) -> float | None:
        if not self._counted_s:
            return None
        return self._percent(sum(self.by_part.values()), self._counted_s)

    def percent_max(self) -> float | None:
        mean = self.percent_mean()
        return mean if mean is None or self._max is None else max(mean, self._max)

    def _percent(self, used_s: float, wall_s: float) -> float:
        return min(100.0, 100.0 * used_s / wall_s / self._usable_cores)


class _MemoryTally:
    """Keeps the highest memory seen: RSS at every sample, PSS where it pays."""

    def __init__(self, *, outside: bool) -> None:
        self._outside = outside
        self._pss_readable = sys.platform == "linux"
        self._pss_cost_s = 0.0
        self._peak_pss: int | None = None
        self._peak_rss: int | None = None

    def add(self, reading: _Reading, budget_s: float) -> float:
        """Take one reading; return the CPU seconds spent on PSS, held to `budget_s`."""
        if not reading.roots:
            return 0.0
        rss = reading.rss_bytes + reading.outside_bytes
        self._peak_rss = max(self._peak_rss or 0, rss)
        if not self._pss_readable or not self._pays(rss, budget_s):
            return 0.0
        start_s = time.thread_time()
        pss = pss_bytes(reading.pids)
        self._pss_cost_s = time.thread_time() - start_s
        if pss is None:
            self._pss_readable = False
        else:
            self._peak_pss = max(self._peak_pss or 0, pss + reading.outside_bytes)
        return self._pss_cost_s

    def peak_bytes(self) -> int | None:
        return self._peak_pss if self._pss_readable else self._peak_rss

    def kind(self) -> str:
        if self._outside:
            return "cgroup"
        return "pss" if self._pss_readable else "rss"

    def _pays(self, rss: int, budget_s: float) -> bool:
        """Say whether PSS is worth its cost now.

        RSS, which costs nothing more, bounds PSS from above: PSS can only be higher than
        it ever was where RSS is, and most likely is where RSS is near its own highest.
        """
        if self._peak_pss is None:
            return True
        highest = self._peak_rss or 0
        return budget_s >= self._pss_cost_s and rss > max(
            self._peak_pss, int(_NEAR_HIGHEST * highest)
        )
