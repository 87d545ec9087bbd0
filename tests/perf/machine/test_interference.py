"""Stolen, throttled and foreign CPU time, from the kernel's counters."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import perf.machine.interference
import perf.machine.processes
from perf.judge.validity import disturbances, shares
from perf.machine.interference import Conditions, Watch
from perf.machine.processes import Process, Table
from tests.support.commanded import CommandedProcess

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")

Start = Callable[[], CommandedProcess]


class Kernel:
    """Stands in for the kernel's folders; a test sets the counters."""

    def __init__(self, folder: Path) -> None:
        """Make the folders, with all counters at zero and without cgroups."""
        self.proc, self.cgroup = folder / "proc", folder / "cgroup"
        self.cgroup.mkdir()
        self.spend()

    def spend(self, **ticks: int) -> None:
        """Set the counters of the whole machine, in ticks."""
        names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
        numbers = [ticks.get(name, 0) for name in (*names, "guest", "guest_nice")]
        line = " ".join(str(number) for number in numbers)
        # With one core, the core's counters are those of the machine.
        _write(self.proc / "stat", f"cpu  {line}\ncpu0 {line}\nintr 99 1 2 3\n")

    def throttle(self, folder: str, text: str) -> None:
        """Write a cgroup's cpu.stat."""
        _write(self.cgroup / folder / "cpu.stat", text)

    def watch(self, *own: int) -> Watch:
        """Return a watch that reads these folders."""
        return Watch(lambda: own, self.proc, self.cgroup)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel whose counters the test sets."""
    return Kernel(tmp_path)


@pytest.fixture
def used_s(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """The CPU time of each tree, by its root, in place of the process table."""
    used: dict[int, float] = {}

    def table() -> Table:
        return {
            pid: Process(parent=0, started=1.0, cpu_s=s, rss_bytes=0, name=f"program{pid}")
            for pid, s in used.items()
        }

    for module in (perf.machine.interference, perf.machine.processes):
        monkeypatch.setattr(module, "read_table", table)
    return used


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _v1(kernel: Kernel, *, spent_ns: int) -> None:
    _write(kernel.proc / "self/cgroup", "4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n")
    text = "nr_periods 9\nnr_throttled 3\nthrottled_time {}\n"
    kernel.throttle("cpu,cpuacct", text.format(0))
    kernel.throttle("cpu,cpuacct/x", text.format(spent_ns))


def _v2(kernel: Kernel, *, spent_ns: int) -> None:
    _write(kernel.proc / "self/cgroup", "0::/outer/x\n")
    _write(kernel.cgroup / "cpu.stat", "usage_usec 777\n")  # the root has no limit
    kernel.throttle("outer", "usage_usec 777\nthrottled_usec 0\n")
    kernel.throttle("outer/x", f"nr_throttled 3\nthrottled_usec {spent_ns // 1000}\n")


def test_stolen_and_foreign_are_differences_of_counters(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """Idle time and iowait do not count, and the time of guests is part of user time."""
    used_s[11] = 20.0
    kernel.spend(user=1000, nice=10, system=500, idle=9000, steal=30, irq=3, softirq=7)
    with kernel.watch(11).block() as found:
        assert found == []
        used_s[11] += 120 * _TICK_S
        own, others = {"user": 1200, "nice": 20, "system": 550}, {"irq": 6, "softirq": 14}
        waited = {"idle": 9999, "iowait": 888}
        kernel.spend(**own, **others, **waited, steal=70, guest=150, guest_nice=5)
    (seen,) = found
    busy_s = (200 + 10 + 50 + 3 + 7) * _TICK_S
    assert seen.stolen_s == pytest.approx(40 * _TICK_S)
    assert seen.own_s == pytest.approx(120 * _TICK_S)
    assert seen.foreign_s == pytest.approx(busy_s - 120 * _TICK_S)
    assert seen.throttled_s == seen.idle_arm_s == 0.0
    assert seen.duration_s > 0.0


def test_a_negative_block_is_offset_by_the_next(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """The two counters do not rise at the same moments; over two blocks they agree."""
    used_s[11] = 0.0
    watch = kernel.watch(11)
    with watch.block() as first:
        used_s[11] = 103 * _TICK_S
        kernel.spend(user=100)
    with watch.block() as second:
        used_s[11] = 200 * _TICK_S
        kernel.spend(user=200)
    assert first[0].foreign_s == pytest.approx(-3 * _TICK_S)
    assert shares([*first, *second], 1.0).foreign_percent == pytest.approx(0.0)


def test_only_our_cores_count(kernel: Kernel) -> None:
    """CPU time on cores that we may not use is not foreign."""
    stat = "cpu  0 0 0 0 0 0 0 0 0 0\n" + "".join(
        f"cpu{core} {{}} 0 0 0 0 0 0 {{}} 0 0\n" for core in (0, 10_000)
    )
    path = kernel.proc / "stat"
    path.write_text(stat.format(0, 0, 0, 0), encoding="utf-8")
    with kernel.watch().block() as found:
        path.write_text(stat.format(50, 10, 900, 800), encoding="utf-8")
    assert found[0].foreign_s == pytest.approx(50 * _TICK_S)
    assert found[0].stolen_s == pytest.approx(10 * _TICK_S)


def test_a_quota_is_a_part_of_the_cores(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With half of the core, half of what others use there would be ours."""
    module = perf.machine.interference
    half = SimpleNamespace(usable_cores=0.5)
    monkeypatch.setattr(module, "read_machine", lambda *_: half)
    monkeypatch.setattr(module, "allowed_cores", lambda: frozenset({0}))
    with kernel.watch().block() as found:
        kernel.spend(user=50, steal=10)
    assert found[0].foreign_s == pytest.approx(0.5 * 50 * _TICK_S)
    assert found[0].stolen_s == pytest.approx(0.5 * 10 * _TICK_S)


def test_roots_are_asked_for_in_every_block(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """A server that was launched after the watch was made counts as ours."""
    own = [11]
    used_s |= {11: 1.0, 12: 5.0}
    watch = Watch(lambda: own, kernel.proc, kernel.cgroup)
    own.append(12)
    with watch.block() as found:
        used_s[12] += 2.0
    assert found[0].own_s == pytest.approx(2.0)


def test_the_idle_arm_has_a_figure_of_its_own(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """The CPU time of the idle arm's trees is told, and is also part of our own."""
    used_s |= {11: 1.0, 12: 5.0, 13: 7.0}
    with kernel.watch(11, 12, 13).block(idle_arm=iter((12, 13))) as found:
        used_s |= {11: 4.0, 12: 5.5, 13: 7.25}
    assert found[0].idle_arm_s == pytest.approx(0.75)
    assert found[0].own_s == pytest.approx(3.75)


def test_the_busiest_of_the_others_are_named(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """The three that used most are told, most first; those of ours and idle ones are not.

    A process that began during the block is not among them: it may be a job of another run
    with an id that was used before.
    """
    used_s |= dict.fromkeys((11, 21, 22, 23, 24, 25), 5.0)
    with kernel.watch(11).block() as found:
        used_s |= {11: 9.0, 21: 5.5, 22: 7.0, 23: 6.0, 24: 5.25, 31: 8.0}
        kernel.spend(user=round(9.0 / _TICK_S))
    busiest = found[0].busiest
    assert list(busiest) == ["program22 (22)", "program23 (23)", "program21 (21)"]
    assert list(busiest.values()) == pytest.approx([2.0, 1.0, 0.5])


def test_no_process_used_more_than_all_of_them(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """Waiting for an ended child adds its whole CPU time to the parent's at once."""
    used_s |= {11: 1.0, 21: 5.0}
    with kernel.watch(11).block() as found:
        used_s |= {11: 2.0, 21: 95.0}
        kernel.spend(user=round(1.5 / _TICK_S))
    assert found[0].busiest == pytest.approx({"program21 (21)": 0.5})


def test_without_a_busy_process_none_is_named(
    kernel: Kernel, used_s: dict[int, float]
) -> None:
    """Processes that used nothing disturbed nothing."""
    used_s |= {11: 1.0, 21: 5.0}
    with kernel.watch(11).block() as found:
        used_s[11] = 2.0
    assert found[0].busiest == {}


@pytest.mark.parametrize("version", [_v1, _v2])
def test_throttling_is_read_with_both_versions_of_cgroups(
    kernel: Kernel, version: Callable[..., None]
) -> None:
    """The throttled time of our own cgroup is read in seconds."""
    version(kernel, spent_ns=5_000_000_000)
    watch = kernel.watch()
    with watch.block() as found:
        version(kernel, spent_ns=6_500_000_000)
    assert found[0].throttled_s == pytest.approx(1.5)


def test_a_parents_throttling_counts(kernel: Kernel) -> None:
    """The quota of a parent cgroup throttles its children too."""
    _v2(kernel, spent_ns=0)
    with kernel.watch().block() as found:
        kernel.throttle("outer", "throttled_usec 250000\n")
    assert found[0].throttled_s == pytest.approx(0.25)


def test_a_block_that_fails_leaves_no_conditions(kernel: Kernel) -> None:
    """The error is raised, and the list stays empty."""
    kept: list[list[Conditions]] = []

    def fail() -> None:
        with kernel.watch().block() as found:
            kept.append(found)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert kept == [[]]


def test_without_the_kernels_files_nothing_is_invalid(tmp_path: Path) -> None:
    """Outside Linux there are no such files, and no disturbance is found."""
    with Watch(lambda: (), tmp_path / "proc", tmp_path / "cgroup").block() as found:
        pass
    assert disturbances({"scenario": shares(found, usable_cores=2.0)}) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_a_real_process_is_foreign_unless_it_is_ours(start: Start) -> None:
    """Two watches over one block differ by the process that only one of them calls ours.

    Everything else on this machine is foreign to both.
    """
    cores = float(os.cpu_count() or 1)
    busy = start()
    without, ours = Watch(lambda: ()), Watch(lambda: (busy.pid,))
    before_s = busy.ask("burn 0")
    with without.block() as to_one, ours.block() as to_other:
        used_s = busy.ask("burn 1") - before_s
    foreign, own = shares(to_one, cores), shares(to_other, cores)
    expected_percent = 100.0 * used_s / (to_one[0].duration_s * cores)
    assert to_one[0].own_s == 0.0
    assert foreign.foreign_percent > 0.8 * expected_percent
    difference = foreign.foreign_percent - own.foreign_percent
    assert difference == pytest.approx(expected_percent, rel=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_a_real_busy_process_is_named_where_it_is_foreign(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name, its id and its CPU time are told; those of our own trees never are.

    All processes are named here: beside other tests it may not be one of the busiest.
    """
    monkeypatch.setattr("perf.machine.interference._NAMED", 10**6)
    busy = start()
    name = f"{psutil.Process(busy.pid).name()} ({busy.pid})"
    foreign, ours = Watch(lambda: ()), Watch(lambda: (busy.pid,))
    before_s = busy.ask("burn 0")
    with foreign.block() as to_one, ours.block() as to_other:
        used_s = busy.ask("burn 0.5") - before_s
    assert to_one[0].busiest[name] == pytest.approx(used_s, abs=4 * _TICK_S)
    assert name not in to_other[0].busiest


def test_a_real_busy_process_in_the_idle_arm_is_seen(start: Start) -> None:
    """The idle arm's CPU time is what the process itself reports."""
    busy = start()
    watch = Watch(lambda: (busy.pid,))
    before_s = busy.ask("burn 0")
    with watch.block(idle_arm=[busy.pid]) as found:
        used_s = busy.ask("burn 1") - before_s
    assert found[0].idle_arm_s == pytest.approx(used_s, rel=0.1)
    with watch.block(idle_arm=[busy.pid]) as found:
        pass
    assert found[0].idle_arm_s < 0.1 * used_s
