"""Arrival patterns, and the schedule that a block makes of one."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load import arrivals
from perf.load.arrivals import registry
from perf.load.arrivals.closed import ClosedLoop
from perf.load.arrivals.registry import ARRIVALS, find_arrivals
from perf.load.arrivals.schedule import Due, Schedule, longest_gap_s
from serving.errors import ConfigError
from tests.perf.load.named_classes import named_classes_in


@dataclass(frozen=True)
class Listed:
    """The times of a list, then None for ever."""

    listed_s: list[float | None]
    name: ClassVar[str] = "listed"

    rate_rps: ClassVar[None] = None

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return a pattern with one time."""
        assert rate_rps is None
        return cls([float(argument)])

    def seeded(self, seed: int) -> Self:  # noqa: ARG002 -- nothing is drawn
        """Return itself."""
        return self

    def at_rate(self, rate_rps: float) -> Self:  # noqa: ARG002 -- it has none
        """Return itself."""
        return self

    def times_s(self) -> Iterator[float | None]:
        """Yield the times."""
        return itertools.chain(self.listed_s, itertools.repeat(None))


_SECONDS = st.floats(0, 1e4)


@st.composite
def patterns(draw: st.DrawFn) -> Listed:
    """Draw times that never go back, with None anywhere among them."""
    ordered_s = sorted(draw(st.lists(_SECONDS, max_size=20)))
    times_s: list[float | None] = []
    for time_s in ordered_s:
        times_s += [None] * draw(st.integers(0, 2))
        times_s.append(time_s)
    return Listed(times_s)


def taken(schedule: Schedule, clock_s: float) -> list[Due]:
    """Take all jobs that are due at this time."""
    return list(iter(lambda: schedule.take(clock_s), None))


@given(patterns(), st.integers(0, 20), st.floats(0, 1e6), st.lists(_SECONDS, max_size=20))
def test_a_schedule_keeps_its_times(
    pattern: Listed, jobs: int, began_s: float, sleeps_s: list[float]
) -> None:
    """Whenever it is asked, no job is early or left out, and no time ever moves."""
    schedule = Schedule(pattern, jobs, began_s)
    times_s = itertools.islice(pattern.times_s(), jobs)
    planned = [
        Due(job, None if time_s is None else began_s + time_s)
        for job, time_s in enumerate(times_s)
    ]
    clock_s, begun = began_s, 0
    for sleep_s in (*sleeps_s, math.inf):
        now = taken(schedule, clock_s)
        assert now == planned[begun : begun + len(now)]
        assert all(due.scheduled_s is None or due.scheduled_s <= clock_s for due in now)
        begun += len(now)
        assert schedule.jobs_left == (begun < jobs)
        assert schedule.wait_s(clock_s) > 0
        clock_s += sleep_s
    assert taken(schedule, clock_s) == planned[begun:]
    assert not schedule.jobs_left


@given(patterns(), st.integers(1, 20))
def test_the_wait_ends_when_a_job_is_due(pattern: Listed, jobs: int) -> None:
    """After the wait a job is due, and no wait is longer than the longest gap."""
    schedule = Schedule(pattern, jobs, 0.0)
    clock_s = 0.0
    gap_s = longest_gap_s(pattern, jobs)
    while schedule.jobs_left:
        wait_s = schedule.wait_s(clock_s)
        assert 0 <= wait_s <= gap_s
        clock_s = max(clock_s, math.nextafter(clock_s + wait_s, math.inf))
        assert schedule.take(clock_s)
    assert schedule.wait_s(clock_s) == math.inf


@pytest.mark.parametrize(
    ("times_s", "jobs", "gap_s"),
    [
        ([], 3, 0.0),
        ([5.0], 0, 0.0),
        ([5.0], 1, 5.0),
        ([1.0, 1.0, None, 4.0, 5.0], 5, 3.0),
        ([1.0, 9.0], 1, 1.0),
    ],
)
def test_longest_gap(times_s: list[float | None], jobs: int, gap_s: float) -> None:
    """The gap is between scheduled starts, from the block's begin, of its jobs alone."""
    assert longest_gap_s(Listed(times_s), jobs) == gap_s


def test_a_closed_loop_has_no_times() -> None:
    """Every job is due at once; the slots alone hold it back."""
    assert find_arrivals("closed") == ClosedLoop()
    schedule = Schedule(ClosedLoop(), 3, 100.0)
    assert taken(schedule, 0.0) == [Due(0, None), Due(1, None), Due(2, None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "arrivals : no such arrival pattern; known: closed.*"),
        ("burst:3", "arrivals burst:3: no such arrival pattern; known: closed.*"),
        ("closed:3", "arrivals closed:3: closed takes no argument"),
    ],
)
def test_unknown_arrivals(text: str, words: str) -> None:
    """A pattern that does not exist, or a senseless argument, is one line that says so."""
    with pytest.raises(ConfigError) as caught:
        find_arrivals(text)
    assert re.fullmatch(words, str(caught.value))


def test_a_new_pattern_takes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern with its line in the registry is found, with its argument."""
    monkeypatch.setattr(registry, "ARRIVALS", {**ARRIVALS, Listed.name: Listed})
    assert find_arrivals("listed:20") == Listed([20.0])
    with pytest.raises(ConfigError, match=r"^arrivals listed:fast: could not convert"):
        find_arrivals("listed:fast")


def test_every_pattern_is_in_the_registry() -> None:
    """No file of a pattern lacks its line."""
    assert named_classes_in(arrivals) == ARRIVALS
