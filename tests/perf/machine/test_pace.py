"""The pace is measured by real processes, one on each core."""

from __future__ import annotations

import math
import os
import signal
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.machine import pace as module
from perf.machine.facts import allowed_cores
from perf.machine.pace import MOST_CORES, UNIT_S, Pace
from perf.machine.pace_process import (
    MOST_OF_A_CORE,
    PERIOD_S,
    Samples,
    _answer,
    _next_s,
    _work,
)
from serving.child import ChildError
from tests.support.fakes import ended, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pins processes to cores")

_SOME_S = 0.6


@pytest.fixture
def pace() -> Iterator[Pace]:
    """The processes of this machine, stopped at the end."""
    made = Pace()
    yield made
    made.stop()


def _passed(seconds: float) -> tuple[float, float]:
    """Let time pass; return when it began and when it ended."""
    begin_s = time.monotonic()
    time.sleep(seconds)
    return begin_s, time.monotonic()


def test_samples_between_two_times_make_a_pace(pace: Pace) -> None:
    """An interval has a positive pace, which is the same when it is asked for again."""
    first = _passed(_SOME_S)
    found = pace.within((first,))
    assert found is not None
    assert 0.0 < found < math.inf
    _passed(_SOME_S)
    assert pace.within((first,)) == found


def test_only_samples_between_the_times_count() -> None:
    """Those before and after are left out, and of the others the slowest tenth.

    The mean is that of the logarithms.
    """
    kept = [1e-4 * place for place in range(10, 30)]
    samples = deque([(1.0, 9.0), *((2.0 + place, s) for place, s in enumerate(kept))])
    samples.append((50.0, 9.0))
    answer = _answer(((2.0, 21.0),), samples, cpu_s=0.5)
    mean_log_s = statistics.fmean(math.log(s) for s in kept[:18])
    assert (answer.number, answer.cpu_s) == (20, 0.5)
    assert answer.mean_log_s == pytest.approx(mean_log_s)
    assert _answer(((30.0, 40.0),), samples, 0.5) == Samples(0, 0.0, 0.5)


def test_several_spans_count_together() -> None:
    """What lies between two spans is left out, and each sample counts once."""
    samples = deque((float(place), 1e-4 * (1 + place)) for place in range(20))
    spans = ((1.5, 3.0), (4.5, 4.9), (7.0, 9.5), (19.0, 30.0))
    taken = [2, 3, 7, 8, 9, 19]
    answer = _answer(spans, samples, 0.5)
    logs = [math.log(1e-4 * (1 + place)) for place in taken]
    assert answer.number == len(taken)
    assert answer.mean_log_s == pytest.approx(statistics.fmean(logs))
    assert _answer((), samples, 0.5) == Samples(0, 0.0, 0.5)


@pytest.mark.parametrize("times", [(7, 7, 9), (7, 9, 9), (7, 6, 9), (7, 9, 8)])
def test_a_clock_that_stood_still_makes_no_sample(times: tuple[int, ...]) -> None:
    """A piece of work in which the CPU time did not grow has no time, so no pace."""
    told = iter(times)
    assert _work(lambda: next(told))() is None


def test_a_sample_that_is_too_short_to_be_true_does_not_count() -> None:
    """One that takes less than a tenth of the median does not change the mean."""
    samples = deque([(1.0, 1e-4), (2.0, 1e-9), (3.0, 1e-4), (4.0, 1.1e-5)])
    answer = _answer(((0.0, 5.0),), samples, 0.5)
    mean_log_s = statistics.fmean(math.log(s) for s in (1e-4, 1e-4, 1.1e-5))
    assert answer.number == 3
    assert answer.mean_log_s == pytest.approx(mean_log_s)


def test_a_short_interval_has_no_pace(pace: Pace) -> None:
    """A block of a few samples tells nothing, nor does a time before the first sample."""
    begin_s, end_s = _passed(_SOME_S)
    assert pace.within(((end_s - 0.05, end_s),)) is None
    assert pace.within(((begin_s - 100.0, begin_s - 90.0),)) is None
    assert pace.within(((begin_s, end_s),)) is not None


def test_a_pace_of_1_is_the_work_in_the_fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is the fixed time over the geometric mean of the times of all cores."""
    times = iter((UNIT_S / 2.0, UNIT_S / 8.0))

    class _Told:
        def __init__(self, *_arguments: object) -> None:
            self.pid, self._answer = 1, Samples(9, math.log(next(times)), 0.0)

        def send(self, message: object) -> None:
            assert message == ((1.0, 2.0),)

        def receive(self, _deadline_s: float) -> object:
            return self._answer

        def stop(self) -> None:
            pass

    monkeypatch.setattr(module, "Child", _Told)
    monkeypatch.setattr(module, "allowed_cores", lambda: frozenset({0, 1}))
    assert Pace().within(((1.0, 2.0),)) == pytest.approx(4.0)


@pytest.mark.slow(reason="measures for seconds")
def test_the_pace_costs_a_fiftieth_of_a_core_at_most(pace: Pace) -> None:
    """Over 5 s each process uses at most 2 % of a core, and the report tells how much."""
    assert pace.cpu_percent == 0.0
    before_s = [_used_s(pid) for pid in pace.pids]
    begin_s, end_s = _passed(5.0)
    used_s = [_used_s(pid) - s for pid, s in zip(pace.pids, before_s, strict=True)]
    shares = [s / (end_s - begin_s) for s in used_s]
    assert max(shares) <= 0.02
    pace.within(((begin_s, end_s),))
    told = pace.cpu_percent
    assert told == pytest.approx(100.0 * statistics.fmean(shares), abs=0.5)
    _passed(1.0)
    assert pace.cpu_percent == told


def _used_s(pid: int) -> float:
    """Return the CPU time of all threads of a process, in seconds, from its CPU clock.

    The usual counters have steps of 10 ms, which is a tenth of what is measured here. The
    clock's number is made as in Linux's `clock_getcpuclockid`, which Python lacks.
    """
    return time.clock_gettime(~pid << 3 | 2)


@given(
    used_s=st.lists(st.tuples(st.floats(1e-5, 0.1), st.booleans()), min_size=1),
    first=st.integers(0),
)
def test_no_interval_costs_more_than_its_share(
    used_s: list[tuple[float, bool]], first: int
) -> None:
    """A core that becomes slow does not spend what was saved while it was fast.

    What samples and answers used between any of them and the next sample is at most the
    share of the time that has passed.
    """
    now_s = due_s = 0.0
    begun: list[tuple[float, float]] = []
    for used, asked in used_s:
        now_s = now_s if asked else max(now_s, due_s)
        begun.append((now_s, used))
        now_s += used
        due_s = _next_s(due_s, now_s, used, asked=asked)
    taken = begun[first % len(begun) :]
    passed_s = max(now_s, due_s) - taken[0][0]
    assert sum(used for _, used in taken) <= MOST_OF_A_CORE * passed_s + 1e-9


def test_a_fast_core_is_not_asked_more_often_than_the_period() -> None:
    """The pause is the period where the work is short, and longer where it is long."""
    assert _next_s(9.0, 10.0, 1e-5, asked=False) == 10.0 + PERIOD_S
    assert _next_s(9.0, 10.0, 1.0, asked=False) == 10.0 + 1.0 / MOST_OF_A_CORE
    assert _next_s(9.0, 10.0, 0.0, asked=True) == 10.0


def test_each_process_stays_on_its_core(pace: Pace) -> None:
    """There is one for each core that may be used, and it computes with one thread."""
    cores = allowed_cores()
    assert pace.pinned.by_core
    assert not pace.pinned.reason
    places = [psutil.Process(pid).cpu_affinity() for pid in pace.pids]
    assert all(place is not None and len(place) == 1 for place in places)
    assert len(places) == min(len(cores), MOST_CORES)
    assert {core for place in places for core in place or ()} <= cores
    assert len({tuple(place or ()) for place in places}) == len(places)


def test_a_process_that_died_is_told_at_the_next_reading(pace: Pace) -> None:
    """The reading raises ChildError, and `stop` still ends the others."""
    os.kill(pace.pids[0], signal.SIGKILL)
    with pytest.raises(ChildError, match="pace_process died"):
        pace.within((_passed(0.0),))
    pace.stop()
    wait_until(lambda: all(ended(pid) for pid in pace.pids), "the processes end")


def test_stop_ends_all_processes(pace: Pace) -> None:
    """A second call does nothing."""
    assert not any(ended(pid) for pid in pace.pids)
    pace.stop()
    pace.stop()
    assert all(ended(pid) for pid in pace.pids)


def test_a_process_that_does_not_start_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ChildError is raised, and the processes that did start have ended.

    The test that nothing is left runs after each test.
    """
    monkeypatch.setattr(module, "allowed_cores", lambda: frozenset({0, 10_000}))
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _cores: None)
    with pytest.raises(ChildError, match="pace_process died"):
        Pace()


def test_where_a_core_cannot_be_chosen_processes_run_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some containers refuse it. There are as many processes, and the reason is kept."""

    def refuse(_pid: int, _cores: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    pace = Pace()
    try:
        assert not pace.pinned.by_core
        assert pace.pinned.reason == "a core cannot be chosen: Operation not permitted"
        assert len(pace.pids) == min(len(allowed_cores()), MOST_CORES)
        for pid in pace.pids:
            assert set(psutil.Process(pid).cpu_affinity() or ()) == allowed_cores()
        assert pace.within((_passed(_SOME_S),)) is not None
    finally:
        pace.stop()


def test_a_system_without_affinity_gives_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On such a system, nothing is refused: there is nothing to ask."""
    monkeypatch.delattr(os, "sched_setaffinity")
    assert module._pinned([0, 1]).reason == "this system keeps no process on one core"


@pytest.mark.parametrize("cores", [MOST_CORES, MOST_CORES + 1, 3 * MOST_CORES, 191])
def test_of_many_cores_some_are_measured(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    """They are spread over all cores, and at most MOST_CORES."""
    started: list[int] = []

    class _Counted:
        pid = 1

        def __init__(self, _module: str, _env: object, arguments: tuple[str]) -> None:
            started.append(int(arguments[0]))

        def receive(self, _deadline_s: float) -> object:
            return Samples(0, 0.0, 0.0)

        def stop(self) -> None:
            pass

    monkeypatch.setattr(module, "Child", _Counted)
    monkeypatch.setattr(module, "allowed_cores", lambda: frozenset(range(cores)))
    machine = SimpleNamespace(usable_cores=float(cores))
    monkeypatch.setattr(module, "read_machine", lambda: machine)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _cores: None)
    Pace()
    assert MOST_CORES / 2 < len(started) <= MOST_CORES
    assert started == sorted(set(started))
    assert started[0] == 0
    assert started[-1] >= cores - math.ceil(cores / MOST_CORES)
    started.clear()
    machine.usable_cores = 1.5
    Pace()
    assert len(started) <= 2  # not more than a quota has cores
