"""The monitor counts what real processes use, once, whatever becomes of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perf.machine.processes as table
import perf.machine.usage as room
from perf.machine.processes import IGNORED, cpu_seconds
from perf.machine.usage import Monitor, Usage

_MIB = 1024**2
_TICK_S = 0.01
_PATIENCE_S = 60.0

# A process that does as it is told, one line at a time, and answers each line.
_PROGRAM = """
import os, resource, sys, time

def burn(seconds):
    while time.process_time() < seconds:
        pass

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime

print("ready", flush=True)
for line in sys.stdin:
    word, *numbers = line.split()
    if word == "burn":
        burn(time.process_time() + float(numbers[0]))
        answer = used(resource.RUSAGE_SELF)
    elif word == "jobs":
        for _ in range(int(numbers[0])):
            os.waitpid(fork(lambda: burn(time.process_time() + float(numbers[1]))), 0)
        answer = used(resource.RUSAGE_SELF) + used(resource.RUSAGE_CHILDREN)
    elif word == "corpse":
        answer = fork(lambda: burn(time.process_time() + float(numbers[0])))
        os.waitid(os.P_PID, answer, os.WEXITED | os.WNOWAIT)
    elif word == "bury":
        answer = os.wait()[0]
    elif word == "share":
        block = b"x" * (int(numbers[0]) * 1024 * 1024)
        inlet, outlet = os.pipe()
        for _ in range(int(numbers[1])):
            fork(lambda: (os.close(outlet), os.read(inlet, 1)))
        answer = len(block)
    print(answer, flush=True)
"""


class Helper:
    """A process of `_PROGRAM`."""

    def __init__(self) -> None:
        """Start it."""
        command = [sys.executable, "-c", _PROGRAM]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def hear(self) -> str:
        """Wait for its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, line: str) -> None:
        """Tell it what to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def ask(self, line: str) -> float:
        """Tell it what to do, and wait for its answer."""
        self.say(line)
        return float(self.hear())

    def end(self) -> None:
        """Kill it and wait for it; children that hold its pipe end with it."""
        self._process.kill()
        self._process.communicate()


Start = Callable[[], Helper]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a helper; all of them end with the test."""
    helpers = []

    def start_one() -> Helper:
        helpers.append(Helper())
        assert helpers[-1].hear() == "ready"
        return helpers[-1]

    yield start_one
    for helper in helpers:
        helper.end()


class Roots:
    """Gives fixed roots, and lets a test wait until it was asked."""

    def __init__(self, **parts: tuple[int, ...]) -> None:
        """Give `parts`, which a test may change."""
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
        """Wait until as many samples from now are complete."""
        with self._changed:
            goal = self._asked + samples + 1  # the one after them has begun
            assert self._changed.wait_for(lambda: self._asked >= goal, _PATIENCE_S)


def _reading(at_s: float, cpu_s: Mapping[str, float], root: int = 1) -> room._Reading:
    reading = room._Reading(at_s, roots={("part", root, 0.0)})
    reading.cpu_s.update(cpu_s)
    return reading


def test_a_burner_is_seen_with_its_own_count(start: Start) -> None:
    """A burning process counts with what its own rusage says, over time and all cores."""
    burner = start()
    with Monitor(Roots(burner=(burner.pid,)), usable_cores=2.0) as monitor:
        before_s = burner.ask("burn 0")
        with monitor.measuring():
            used_s = burner.ask("burn 1.2") - before_s
    usage = monitor.stop()
    assert usage.cpu_seconds_by_part["burner"] == pytest.approx(used_s, abs=4 * _TICK_S)
    assert usage.cpu_percent_mean is not None
    assert usage.cpu_percent_max is not None
    seen_s = usage.cpu_seconds_by_part["burner"]
    assert usage.cpu_percent_mean == pytest.approx(100 * seen_s / usage.duration_s / 2.0)
    assert usage.cpu_percent_mean <= usage.cpu_percent_max <= 100.0


def test_jobs_that_ended_still_count(start: Start) -> None:
    """The CPU of children that came and went between two readings is not lost."""
    pool = start()
    before_s = cpu_seconds([pool.pid])
    own_before_s = pool.ask("jobs 0 0")
    used_s = pool.ask("jobs 20 0.02") - own_before_s
    assert used_s > 0.4
    assert cpu_seconds([pool.pid]) - before_s == pytest.approx(used_s, abs=5 * _TICK_S)


def test_a_job_counts_once_before_and_after_it_is_waited_for(start: Start) -> None:
    """Waiting for an ended child moves its CPU to the parent and changes no sum."""
    pool = start()
    before_s = cpu_seconds([pool.pid])
    pool.ask("corpse 0.3")
    ended_s = cpu_seconds([pool.pid])
    pool.ask("bury")
    assert ended_s - before_s == pytest.approx(0.3, abs=0.1)
    assert cpu_seconds([pool.pid]) == pytest.approx(ended_s, abs=4 * _TICK_S)


def test_trees_inside_each_other_count_once(start: Start) -> None:
    """A process named twice, or under two roots, counts once, for its nearest root."""
    helper = start()
    me = psutil.Process().pid
    helper.ask("burn 0.3")
    assert cpu_seconds([helper.pid, helper.pid]) == cpu_seconds([helper.pid])
    assert cpu_seconds([me, helper.pid]) == pytest.approx(cpu_seconds([me]), abs=0.1)
    with Monitor(Roots(harness=(me,), server=(helper.pid,)), usable_cores=2) as monitor:
        with monitor.measuring():
            helper.ask("burn 0.5")
        usage = monitor.stop()
    assert usage.cpu_seconds_by_part["server"] == pytest.approx(0.5, abs=0.1)
    assert usage.cpu_seconds_by_part["harness"] < 0.25


def test_a_child_whose_parent_counted_its_end_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A child read before its parent, and gone since, is in the parent's count alone."""
    parent = table.Process(parent=1, started=1.0, cpu_s=5.0, rss_bytes=0)
    child = table.Process(parent=20, started=2.0, cpu_s=3.0, rss_bytes=0)
    answers: dict[int, list[table.Process | None]] = {10: [child, None], 20: [parent]}
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(psutil, "pids", lambda: [10, 20])
    monkeypatch.setattr(table, "_read_proc", lambda pid: answers[pid].pop(0))
    assert cpu_seconds([20]) == 5.0


def test_only_the_blocks_count(start: Start) -> None:
    """What happens between two blocks is in no figure: blocks of another arm lie there."""
    burner = start()
    with Monitor(Roots(burner=(burner.pid,)), usable_cores=2.0) as monitor:
        used_s = 0.0
        for _ in range(2):
            before_s = burner.ask("burn 0.4")
            with monitor.measuring():
                used_s += burner.ask("burn 0.2") - before_s
        usage = monitor.stop()
    assert usage.cpu_seconds_by_part["burner"] == pytest.approx(used_s, abs=8 * _TICK_S)


def test_a_server_launched_again_is_followed(start: Start) -> None:
    """Roots are asked anew: each launch counts in the blocks of its own life."""
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


def _share(start: Start, usage_of: AbstractContextManager[object]) -> tuple[Usage, int]:
    """Measure a parent that shares 64 MiB with four children; return the RSS sum too."""
    parent = start()
    roots = Roots(jobs=(parent.pid,))
    parent.ask("share 64 4")
    with usage_of, Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            roots.wait_for_samples(1)
        tree = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children()]
        return monitor.stop(), sum(process.memory_info().rss for process in tree)


def test_shared_memory_counts_once(start: Start) -> None:
    """PSS over a parent and its forked children holds their common pages once."""
    usage, rss_bytes = _share(start, nullcontext())
    assert usage.memory_kind == "pss"
    assert usage.peak_memory_bytes is not None
    assert rss_bytes > 5 * 64 * _MIB
    assert 64 * _MIB < usage.peak_memory_bytes < 2 * 64 * _MIB


def test_hidden_pss_degrades_to_rss(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one process hides its PSS the figure is RSS, with shared pages many times."""

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


def test_what_lies_elsewhere_is_added(start: Start) -> None:
    """Containers that cannot be seen from here join with the figures given for them."""
    helper = start()
    counter = iter(range(10_000))
    roots = Roots(jobs=(helper.pid,))
    monitor = Monitor(
        roots, usable_cores=2.0, elsewhere=lambda: (next(counter), 10_000 * _MIB)
    )
    with monitor:
        with monitor.measuring():
            roots.wait_for_samples(1)
        usage = monitor.stop()
    assert usage.memory_kind == "cgroup"
    assert usage.cpu_seconds_by_part[room.ELSEWHERE] == next(counter) - 1
    assert usage.peak_memory_bytes is not None
    assert 10_000 * _MIB < usage.peak_memory_bytes < 10_100 * _MIB


def test_processes_that_die_do_no_harm(start: Start) -> None:
    """Jobs that end by the hundred and a root that is killed break no measurement."""
    pool, victim = start(), start()
    roots = Roots(jobs=(pool.pid,), server=(victim.pid,))
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            pool.say("jobs 200 0.001")
            roots.wait_for_samples(1)
            victim.end()
            pool.hear()
            roots.wait_for_samples(2)
        usage = monitor.stop()
    assert usage.samples >= 3
    assert usage.cpu_percent_mean is not None
    assert usage.peak_memory_bytes is not None
    assert table.pss_bytes([victim.pid]) == 0
    assert cpu_seconds([victim.pid]) == 0.0


def test_a_corpse_has_cpu_and_no_memory(start: Start) -> None:
    """An ended child that nobody waited for has no PSS, and does not hide the others'."""
    pool = start()
    corpse = int(pool.ask("corpse 0.01"))
    assert table.pss_bytes([corpse]) == 0
    assert table.pss_bytes([corpse, pool.pid])


def test_nothing_seen_is_none_and_not_zero() -> None:
    """Without a process there is no figure: zero would be a claim."""
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
    """Nothing runs on after stop, which may be called again, nor after an exception."""
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


def test_a_fault_in_the_thread_is_not_lost() -> None:
    """What the roots raise in the thread comes out of stop, not out of nowhere."""
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


def test_sampling_costs_less_than_a_hundredth_of_a_core(start: Start) -> None:
    """With thirty processes under its eyes the monitor takes under 1 % of one core."""
    roots = Roots(jobs=tuple(start().pid for _ in range(30)))
    with Monitor(roots, usable_cores=2.0) as monitor:
        with monitor.measuring():
            roots.wait_for_samples(10)
        usage = monitor.stop()
    assert usage.samples >= 10
    assert 0.0 < usage.own_cpu_percent < 1.0


def test_both_ways_of_reading_a_process_agree(start: Start) -> None:
    """The kernel's file and psutil tell the same of a process at rest."""
    helper = start()
    helper.ask("jobs 3 0.1")
    fast, portable = table._read_proc(helper.pid), table._read_psutil(helper.pid)
    assert fast is not None
    assert portable is not None
    assert fast.parent == portable.parent
    assert fast.cpu_s == pytest.approx(portable.cpu_s, abs=_TICK_S)
    assert fast.rss_bytes == pytest.approx(portable.rss_bytes, rel=0.1)


@given(
    st.lists(
        st.tuples(st.floats(0.25, 3), st.floats(0, 5), st.booleans(), st.floats(0, 5)),
        max_size=20,
    )
)
def test_a_dip_of_a_counter_neither_loses_nor_invents(
    steps: list[tuple[float, float, bool, float]],
) -> None:
    """However often a pass misses a job for a moment, the sum is end minus beginning."""
    tally = room._CpuTally(2.0)
    at_s = total_s = 0.0
    tally.resume(_reading(at_s, {"jobs": total_s}))
    for wall_s, used_s, missed, missed_s in [*steps, (1.0, 0.0, False, 0.0)]:
        at_s, total_s = at_s + wall_s, total_s + used_s
        seen_s = max(0.0, total_s - missed_s) if missed else total_s
        tally.add(_reading(at_s, {"jobs": seen_s}))
    assert tally.by_part["jobs"] == pytest.approx(total_s)
    mean, highest = tally.percent_mean(), tally.percent_max()
    assert mean == pytest.approx(min(100.0, 100.0 * total_s / at_s / 2.0))
    assert mean is not None
    assert highest is not None
    assert mean <= highest <= 100.0


def test_an_interval_in_which_a_root_changed_is_left_out() -> None:
    """A server's counter that vanishes or appears is no CPU used or given back."""
    tally = room._CpuTally(2.0)
    tally.resume(_reading(0.0, {"server": 10.0}, root=1))
    tally.add(_reading(1.0, {"server": 11.0}, root=1))
    tally.add(_reading(2.0, {"server": 500.0}, root=2))
    tally.add(_reading(3.0, {"server": 501.0}, root=2))
    assert tally.by_part == {"server": 2.0}
    assert tally.percent_mean() == pytest.approx(50.0)
    assert tally.percent_max() == pytest.approx(50.0)


def test_the_maximum_is_over_half_a_second_or_more() -> None:
    """A hundredth of a second at full speed, by the kernel's coarse count, is no peak."""
    tally = room._CpuTally(1.0)
    tally.resume(_reading(0.0, {"jobs": 0.0}))
    for at_s, total_s in [(0.01, 0.01), (0.5, 0.1), (1.0, 0.4), (1.01, 0.41)]:
        tally.add(_reading(at_s, {"jobs": total_s}))
    assert tally.percent_max() == pytest.approx(60.0)


def test_pss_is_read_where_it_can_be_higher_and_is_paid_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first reading is always made; a later one needs budget and RSS near its top."""
    readings = []

    def pss_bytes(pids: list[int]) -> int:
        readings.append(pids)
        return 500

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(room, "pss_bytes", pss_bytes)
    tally = room._MemoryTally(outside=False)

    def read_at(rss_bytes: int, budget_s: float) -> bool:
        before = len(readings)
        reading = _reading(0.0, {})
        reading.rss_bytes = rss_bytes
        tally.add(reading, budget_s)
        return len(readings) > before

    assert read_at(1000, budget_s=-1.0)
    assert not read_at(1000, budget_s=-1.0)
    assert read_at(1000, budget_s=1.0)
    assert not read_at(800, budget_s=1.0)
    assert read_at(2000, budget_s=1.0)
    assert not read_at(1000, budget_s=1.0)
    assert tally.peak_bytes() == 500


def test_an_overspent_monitor_leaves_samples_out() -> None:
    """Once its share of the core is spent the monitor waits, but for its first sample."""
    monitor = Monitor(Roots(), usable_cores=2.0)
    monitor._own_s = 1e6
    for _ in range(3):
        assert monitor._sample(0.0) >= room._MIN_DELAY_S
    assert monitor._samples == 1


def test_ignored_trees_count_for_nothing(start: Start) -> None:
    """What is up but not of the experiment adds neither CPU nor memory to it."""
    ours, other = start(), start()
    with Monitor(
        lambda: {"jobs": (ours.pid,), IGNORED: (other.pid,)}, usable_cores=1.0
    ) as monitor:
        with monitor.measuring():
            other.ask("burn 0.3")
        usage = monitor.stop()
    assert set(usage.cpu_seconds_by_part) == {"jobs"}
