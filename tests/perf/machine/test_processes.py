"""CPU time and memory of process trees count every process once."""

from __future__ import annotations

import sys
from collections.abc import Callable

import psutil
import pytest

from perf.machine import processes
from perf.machine.processes import Process, cpu_seconds, pss_bytes
from tests.support.commanded import CommandedProcess

_TICK_S = 0.01

Start = Callable[[], CommandedProcess]


def test_jobs_that_ended_still_count(start: Start) -> None:
    """The CPU time of children that start and end between two readings is not lost."""
    pool = start()
    before_s = cpu_seconds([pool.pid])
    own_before_s = pool.ask("jobs 0 0")
    used_s = pool.ask("jobs 20 0.02") - own_before_s
    assert used_s > 0.4
    assert cpu_seconds([pool.pid]) - before_s == pytest.approx(used_s, abs=5 * _TICK_S)


def test_a_job_counts_once_before_and_after_it_is_waited_for(start: Start) -> None:
    """Waiting for an ended child moves its CPU time to the parent; the sum stays."""
    pool = start()
    before_s = cpu_seconds([pool.pid])
    pool.ask("zombie 0.3")
    ended_s = cpu_seconds([pool.pid])
    pool.ask("wait")
    assert ended_s - before_s == pytest.approx(0.3, abs=0.1)
    assert cpu_seconds([pool.pid]) == pytest.approx(ended_s, abs=4 * _TICK_S)


def test_trees_inside_each_other_count_once(start: Start) -> None:
    """A process that is named twice, or lies under two roots, counts once."""
    child = start()
    me = psutil.Process().pid
    child.ask("burn 0.3")
    assert cpu_seconds([child.pid, child.pid]) == cpu_seconds([child.pid])
    assert cpu_seconds([me, child.pid]) == pytest.approx(cpu_seconds([me]), abs=0.1)


def test_a_child_that_ended_before_its_parent_was_read_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a child ends after it was read, only the parent's counter includes it."""
    parent = Process(parent=1, started=1.0, cpu_s=5.0, rss_bytes=0, name="parent")
    child = Process(parent=20, started=2.0, cpu_s=3.0, rss_bytes=0, name="child")
    answers: dict[int, list[Process | None]] = {10: [child, None], 20: [parent]}
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(psutil, "pids", lambda: [10, 20])
    monkeypatch.setattr(processes, "_read_proc", lambda pid: answers[pid].pop(0))
    assert cpu_seconds([20]) == 5.0


def test_a_process_that_has_ended_counts_zero(start: Start) -> None:
    """A root that was killed has neither CPU time nor memory."""
    victim = start()
    victim.end()
    assert pss_bytes([victim.pid]) == 0
    assert cpu_seconds([victim.pid]) == 0.0


def test_a_zombie_has_no_memory(start: Start) -> None:
    """A zombie has a PSS of 0, and the PSS of other processes is still read."""
    pool = start()
    zombie = int(pool.ask("zombie 0.01"))
    assert pss_bytes([zombie]) == 0
    assert pss_bytes([zombie, pool.pid])


def test_both_ways_of_reading_a_process_agree(start: Start) -> None:
    """/proc and psutil return the same for an idle process."""
    idle = start()
    idle.ask("jobs 3 0.1")
    fast = processes._read_proc(idle.pid)
    portable = processes._read_psutil(idle.pid)
    assert fast is not None
    assert portable is not None
    assert (fast.parent, fast.name) == (portable.parent, portable.name)
    assert fast.cpu_s == pytest.approx(portable.cpu_s, abs=_TICK_S)
    assert fast.rss_bytes == pytest.approx(portable.rss_bytes, rel=0.1)
