"""CPU and memory of the whole experiment: jobs, server and harness, for either arm.

The kernel counts the CPU time of each process. These counters are read at the beginning and
at the end of each block, so the mean is exact. Only the maximum and the memory are sampled.

Memory is PSS (Linux, /proc/PID/smaps_rollup). A page that n processes share counts one n-th
in each of them, so a sum over processes counts it once. PSS cannot be read for a process of
another user, with a kernel without smaps_rollup, or outside Linux. From then on blocks
have RSS, and so has the peak of the whole measurement: a shared page counts once for every
process. Each value says which one it is.

Outside Linux, the CPU time of processes that end between two readings is lost too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from perf.machine.tallies import CpuTally, MemoryTally, Reading, read_trees
from perf.machine.timeline import Span, Timeline

# Shares of one core. Reading the process table costs about 10 us a process and is done
# often. Reading PSS costs about 10 ms a GiB and may use what is left of the whole. The two
# readings around a block are always made, so in short blocks there are fewer samples.
_TABLE_SHARE = 0.003
_WHOLE_SHARE = 0.015
_MIN_DELAY_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the measured blocks used."""

    cpu_percent_mean: float | None
    """Of all usable cores together, 0 to 100; None where no process was seen."""

    cpu_percent_max: float | None
    """The highest over half a second or more; at least the mean, and None like it."""

    peak_memory_bytes: int | None
    """The highest memory of all processes together; None where none was sampled."""

    memory_kind: str
    """What the memory is: pss or rss."""

    samples: int
    """How many samples were taken, beside the readings around the blocks."""

    own_cpu_percent: float
    """The CPU that the monitor itself used, of one core."""

    duration_s: float
    """The length of all blocks together."""

    cpu_seconds_by_part: Mapping[str, float]
    """The CPU time of each part in the blocks."""

    timeline: tuple[Span, ...] = ()
    """The same over the time of the blocks, without the time between them."""


@dataclass(slots=True)
class BlockUsage:
    """What one block used; its values are there when the block has ended."""

    cpu_s: float = 0.0
    """The CPU time of all parts, in seconds."""

    memory_bytes: int | None = None
    """The highest memory of all processes together; None where none was sampled."""

    memory_kind: str = "pss"
    """What the memory is: pss or rss."""


class Monitor:
    """Measures CPU and memory of process trees in the blocks that `measuring` marks.

    As a context manager it runs a thread, which takes the samples.
    """

    def __init__(
        self,
        roots: Callable[[], Mapping[str, tuple[int, ...]]],
        *,
        usable_cores: float,
    ) -> None:
        """Measure the trees that `roots` returns; percentages are of `usable_cores`.

        `roots` maps the name of a part (jobs, server, harness) to the roots of its trees.
        It is called at every reading, so a server that is launched again is followed. A
        process belongs to its nearest root, so trees may lie inside each other. The part
        `IGNORED` of `perf.machine.processes` is not counted.

        A root must outlive the block, like the process that starts the jobs. An interval
        in which a root comes or goes is left out, both its time and its CPU time.

        `roots` is also called from the monitor's thread and must not block. `stop` raises
        what it raised there.
        """
        assert usable_cores > 0
        self._roots = roots
        self._cpu = CpuTally(usable_cores)
        self._memory = MemoryTally()
        self._timeline = Timeline()
        self._last_s = 0.0  # when the timeline was last added to
        self._clock: Callable[[], float] = time.monotonic
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
    def measuring(
        self, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[BlockUsage]:
        """Measure one block, and yield what receives its values.

        Times are told by `clock`, in seconds: one that stands still while the processes
        are stopped leaves that time out. Blocks must not overlap.
        """
        assert self._block_start_s is None, "one block at a time"
        with self._lock:
            self._clock = clock
            reading = self._read()
            self._cpu.resume(reading)
            self._memory.resume()
            self._timeline.begin_block()
            self._block_start_s = self._last_s = reading.at_s
            before_s = self._cpu.used_s()
        usage = BlockUsage()
        self._wake.set()
        try:
            yield usage
        finally:
            self._wake.clear()
            with self._lock:
                start_s, self._block_start_s = self._block_start_s, None
                reading = self._read()
                self._extend(reading, self._cpu.add(reading), {})
                self._closed_s += reading.at_s - start_s
                usage.cpu_s = self._cpu.used_s() - before_s
                usage.memory_bytes = self._memory.block_bytes()
                usage.memory_kind = self._memory.kind()

    def stop(self) -> Usage:
        """End the thread, and return what the blocks used; idempotent.

        Call it after the last block. Raises what `roots` raised in the thread.
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
            timeline=self._timeline.spans(),
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
        except Exception as fault:  # noqa: BLE001 -- `stop` raises it again
            self._fault = fault

    def _sample(self, block_start_s: float) -> float:
        """Take a sample, unless too much CPU was used; return the delay to the next."""
        elapsed_s = self._closed_s + self._clock() - block_start_s
        allowed_s = _WHOLE_SHARE * elapsed_s
        if self._samples and self._own_s > allowed_s:
            return _MIN_DELAY_S
        own_before_s = self._own_s
        reading = self._read()
        table_s = self._own_s - own_before_s
        used_s = self._cpu.add(reading)
        self._own_s += self._memory.add(reading, allowed_s - self._own_s)
        self._extend(reading, used_s, self._memory.last_bytes)
        self._samples += 1
        return max(_MIN_DELAY_S, table_s / _TABLE_SHARE)

    def _extend(
        self, reading: Reading, used_s: Mapping[str, float], memory_bytes: Mapping[str, int]
    ) -> None:
        """Add to the timeline what was counted between the last reading and this one."""
        if used_s:
            self._timeline.add(reading.at_s - self._last_s, used_s, memory_bytes)
        self._last_s = reading.at_s

    def _read(self) -> Reading:
        start_s = time.thread_time()
        at_s = self._clock()
        reading = read_trees(self._roots(), at_s)
        self._own_s += time.thread_time() - start_s
        return reading
