"""The monitor measures CPU and memory of real processes, in the measured blocks alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import psutil
import pytest

from perf.machine import usage as module
from perf.machine.active import ActiveTime
from perf.machine.processes import IGNORED
from perf.machine.usage import Monitor, Usage
from tests.support.commanded import CommandedProcess

_MIB = 1024**2
_TICK_S = 0.01
_PATIENCE_S = 60.0

Start = Callable[[], CommandedProcess]


class Roots:
    """Returns fixed roots, and lets a test wait until a monitor has read them."""

    def __init__(self, **parts: tuple[int, ...]) -> None:
        """Return `parts`, which a test may change."""
        self.parts = parts
        self._asked = 0
        self._changed = threading.Condition()

    def __call__(self) -> Mapping[str, tuple[int, ...]]:
        """Return the roots by part."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
        return dict(self.parts)

    def wait_for_samples(self, samples: int) -> None:
        """Wait until this many samples from now on are complete."""
        with self._changed:
            goal = self._asked + samples + 1  # they are complete when the next one begins
            assert self._changed.wait_for(lambda: self._asked >= goal, _PATIENCE_S)


def test_a_busy_process_counts_with_its_own_cpu_time(start: Start) -> None:
    """The CPU time is that of the process's rusage, and the percentage is of all cores."""
    busy = start()
    with Monitor(Roots(busy=(busy.pid,)), usable_cores=2.0) as monitor:
        before_s = busy.ask("burn 0")
        with monitor.measuring():
            used_s = busy.ask("burn 1.2") - before_s
    usage = monitor.stop()
    assert usage.cpu_seconds_by_part["busy"] == pytest.approx(used_s, abs=4 * _TICK_S)
    assert usage.cpu_percent_mean is not None
    assert usage.cpu_percent_max is not None
    seen_s = usage.cpu_seconds_by_part["busy"]
    assert usage.cpu_percent_mean == pytest.approx(100 * seen_s / usage.duration_s / 2.0)
    assert usage.cpu_percent_mean <= usage.cpu_percent_max <= 100.0
    seconds = sum(one.duration_s for one in usage.timeline)
    assert seconds == pytest.approx(usage.duration_s)
    spent_s = sum(one.cpu_s["busy"] for one in usage.timeline)
    assert spent_s == pytest.approx(seen_s)
    peaks = [one.memory_bytes.get(usage.memory_kind, 0) for one in usage.timeline]
    assert max(peaks) == usage.peak_memory_bytes


def test_a_process_belongs_to_its_nearest_root(start: Start) -> None:
    """A server under the harness's root counts as server alone."""
    server = start()
    roots = Roots(harness=(psutil.Process().pid,), server=(server.pid,))
    with Monitor(roots, usable_cores=2) as monitor:
        with monitor.measuring():
            server.ask("burn 0.5")
        usage = monitor.stop()
    assert usage.cpu_seconds_by_part["server"] == pytest.approx(0.5, abs=0.1)
    assert usage.cpu_seconds_by_part["harness"] < 0.25


def test_only_the_blocks_count(start: Start) -> None:
    """CPU time between two blocks is not counted: it belongs to the other arm."""
    busy = start()
    with Monitor(Roots(busy=(busy.pid,)), usable_cores=2.0) as monitor:
        used_s = 0.0
        for _ in range(2):
            before_s = busy.ask("burn 0.4")
            with monitor.measuring():
                used_s += busy.ask("burn 0.2") - before_s
        usage = monitor.stop()
    assert usage.cpu_seconds_by_part["busy"] == pytest.approx(used_s, abs=8 * _TICK_S)


def test_time_in_which_a_tree_is_stopped_does_not_count(start: Start) -> None:
    """With a clock that stands still meanwhile, the percentage is of the other time."""
    busy, clock = start(), ActiveTime()
    with Monitor(Roots(busy=(busy.pid,)), usable_cores=1.0) as monitor:
        with monitor.measuring(clock.now):
            for _ in range(2):
                clock.go()
                busy.ask("burn 0.5")
                clock.stop()
                time.sleep(0.5)
        usage = monitor.stop()
    ran_s = clock.now()
    assert usage.duration_s == pytest.approx(ran_s)
    assert sum(one.duration_s for one in usage.timeline) == pytest.approx(ran_s)
    expected = 100.0 * usage.cpu_seconds_by_part["busy"] / ran_s
    assert usage.cpu_percent_mean == pytest.approx(min(100.0, expected))


def test_each_block_has_its_own_figures(start: Start) -> None:
    """They are there when the block has ended: its CPU time, and its highest memory.

    A block has its memory even if an earlier one had more.
    """
    parent, other = start(), start()
    roots = Roots(jobs=(parent.pid,), server=(other.pid,))
    with Monitor(roots, usable_cores=2.0) as monitor:
        used_s, seen = [], []
        for seconds, children in ((0.2, "share 64 1"), (0.4, "burn 0")):
            parent.ask(children)
            before_s = parent.ask("burn 0") + other.ask("burn 0")
            with monitor.measuring() as block:
                assert (block.cpu_s, block.memory_bytes) == (0.0, None)
                ended_s = parent.ask("burn 0.1") + other.ask(f"burn {seconds}")
                used_s.append(ended_s - before_s)
                roots.wait_for_samples(2)
            seen.append(block)
        usage = monitor.stop()
    assert [block.cpu_s for block in seen] == pytest.approx(used_s, abs=4 * _TICK_S)
    total_s = sum(usage.cpu_seconds_by_part.values())
    assert sum(block.cpu_s for block in seen) == pytest.approx(total_s)
    assert usage.peak_memory_bytes is not None
    for block in seen:
        assert block.memory_bytes is not None
        assert 64 * _MIB < block.memory_bytes <= usage.peak_memory_bytes


def test_a_block_of_processes_that_nobody_knows_has_no_memory() -> None:
    """Without a process, a block's memory is None and its CPU time is 0."""
    roots = Roots(server=())
    with Monitor(roots, usable_cores=2.0) as monitor, monitor.measuring() as block:
        roots.wait_for_samples(1)
    assert (block.cpu_s, block.memory_bytes) == (0.0, None)


def test_a_block_that_fails_has_its_figures_too(start: Start) -> None:
    """The block is closed, and the next one can be measured."""
    busy = start()
    kept = []
    with Monitor(Roots(jobs=(busy.pid,)), usable_cores=2.0) as monitor:

        def fail() -> None:
            with monitor.measuring() as block:
                kept.append(block)
                busy.ask("burn 0.2")
                raise LookupError

        with pytest.raises(LookupError):
            fail()
        with monitor.measuring():
            pass
    assert kept[0].cpu_s == pytest.approx(0.2, abs=4 * _TICK_S)


def test_a_server_launched_again_is_followed(start: Start) -> None:
    """The roots are asked for at every reading, so each launch counts in its own blocks."""
    first, second = start(), start()
    roots = Roots(server=(first.pid,))
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            first.ask("burn 0.3")
        first.end()
        second.ask("burn 0.3")
        roots.parts["server"] = (second.pid,)
        with monitor.measuring():
            second.ask("burn 0.3")
        usage = monitor.stop()
    assert usage.cpu_seconds_by_part["server"] == pytest.approx(0.6, abs=0.15)


def test_ignored_trees_are_not_counted(start: Start) -> None:
    """The part IGNORED has no CPU time in the usage."""
    ours, other = start(), start()
    with Monitor(
        lambda: {"jobs": (ours.pid,), IGNORED: (other.pid,)}, usable_cores=1.0
    ) as monitor:
        with monitor.measuring():
            other.ask("burn 0.3")
        usage = monitor.stop()
    assert set(usage.cpu_seconds_by_part) == {"jobs"}


def _share(start: Start, patched: AbstractContextManager[object]) -> tuple[Usage, int]:
    """Measure a process that shares 64 MiB with four children.

    Return the usage, and the sum of the RSS of all five.
    """
    parent = start()
    roots = Roots(jobs=(parent.pid,))
    parent.ask("share 64 4")
    with patched, Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring() as block:
            roots.wait_for_samples(1)
        assert block.memory_kind == monitor.stop().memory_kind
        tree = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children()]
        return monitor.stop(), sum(process.memory_info().rss for process in tree)


def test_shared_memory_counts_once(start: Start) -> None:
    """In PSS, the pages that a parent shares with its forked children count once."""
    usage, rss_bytes = _share(start, nullcontext())
    assert usage.memory_kind == "pss"
    assert usage.peak_memory_bytes is not None
    assert rss_bytes > 5 * 64 * _MIB
    assert 64 * _MIB < usage.peak_memory_bytes < 2 * 64 * _MIB


def test_memory_is_rss_where_pss_is_hidden(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If PSS cannot be read, the memory is the sum of the RSS."""

    @contextmanager
    def hidden() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", _refuse)
            yield

    usage, rss_bytes = _share(start, hidden())
    assert usage.memory_kind == "rss"
    assert usage.peak_memory_bytes == pytest.approx(rss_bytes, rel=0.05)


def _refuse(_path: object) -> bytes:
    raise PermissionError


def test_processes_that_end_do_not_disturb_the_monitor(start: Start) -> None:
    """Hundreds of jobs that end, and a root that is killed, break no measurement."""
    pool, victim = start(), start()
    roots = Roots(jobs=(pool.pid,), server=(victim.pid,))
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            pool.tell("jobs 200 0.001")
            roots.wait_for_samples(1)
            victim.end()
            pool.hear()
            roots.wait_for_samples(2)
        usage = monitor.stop()
    assert usage.samples >= 3
    assert usage.cpu_percent_mean is not None
    assert usage.peak_memory_bytes is not None


def test_without_a_process_the_figures_are_none() -> None:
    """Where no process was seen, CPU and memory are None and not zero."""
    roots = Roots(server=())
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            roots.wait_for_samples(1)
        usage = monitor.stop()
    assert (usage.cpu_percent_mean, usage.cpu_percent_max) == (None, None)
    assert usage.peak_memory_bytes is None
    assert not usage.cpu_seconds_by_part


def _monitor_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "monitor"]


def test_the_thread_ends_with_the_measurement(start: Start) -> None:
    """The thread ends with `stop`, which is idempotent, and after an exception."""
    pid = start().pid
    with Monitor(Roots(jobs=(pid,)), usable_cores=2.0) as monitor:
        assert len(_monitor_threads()) == 1
        usage = monitor.stop()
        assert not _monitor_threads()
    assert monitor.stop() == usage
    with (
        pytest.raises(KeyError),
        Monitor(Roots(jobs=(pid,)), usable_cores=2.0) as monitor,
        monitor.measuring(),
    ):
        raise KeyError
    assert not _monitor_threads()


def test_an_error_in_the_thread_is_raised_by_stop() -> None:
    """What `roots` raises in the thread is raised again in the main thread."""
    asked_in_thread = threading.Event()

    def roots() -> Mapping[str, tuple[int, ...]]:
        if threading.current_thread().name == "monitor":
            asked_in_thread.set()
            raise LookupError
        return {}

    monitor = Monitor(roots, usable_cores=2.0)
    with pytest.raises(LookupError), monitor, monitor.measuring():
        assert asked_in_thread.wait(_PATIENCE_S)
    assert not _monitor_threads()


@pytest.mark.slow(reason="samples thirty processes for seconds")
def test_sampling_costs_less_than_a_fiftieth_of_a_core(start: Start) -> None:
    """With thirty processes to read, the monitor uses less than 2 % of one core."""
    roots = Roots(jobs=tuple(start().pid for _ in range(30)))
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            roots.wait_for_samples(10)
        usage = monitor.stop()
    assert usage.samples >= 10
    assert 0.0 < usage.own_cpu_percent < 2.0


def test_a_monitor_that_used_too_much_cpu_skips_samples() -> None:
    """Beyond its share of a core, the monitor takes its first sample and no more."""
    monitor = Monitor(Roots(), usable_cores=2.0)
    monitor._own_s = 1e6
    for _ in range(3):
        assert monitor._sample(0.0) >= module._MIN_DELAY_S
    assert monitor._samples == 1
