"""The schedule of one block: which job begins next, and when.

The processes that fork jobs import this module, so it needs the standard library alone.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from perf.load.arrivals.base import Arrivals


class Due(NamedTuple):
    """A job that is to begin."""

    job: int
    """The job's number in its block, from 0."""
    scheduled_s: float | None
    """The monotonic time it was scheduled for; None for "as soon as a slot is free"."""


class Schedule:
    """The starts of a block's jobs, in order.

    Every scheduled time counts from the block's begin: a job that begins late neither
    moves the jobs behind it nor makes one of them fall out.
    """

    def __init__(self, arrivals: Arrivals, jobs: int, began_s: float) -> None:
        """Schedule `jobs` jobs for a block that began at the monotonic time `began_s`."""
        self._times_s = iter(list(itertools.islice(arrivals.times_s(), jobs)))
        self._jobs = jobs
        self._began_s = began_s
        self._job = -1
        self._next: Due | None = None
        self._advance()

    @property
    def jobs_left(self) -> bool:
        """Whether any job has not been taken yet."""
        return self._next is not None

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next job is due: 0 if it is, inf if none is left."""
        if self._next is None:
            return math.inf
        if self._next.scheduled_s is None:
            return 0.0
        return max(0.0, self._next.scheduled_s - now_s)

    def take(self, now_s: float) -> Due | None:
        """Take the next job from the schedule if it is due."""
        due = self._next
        if due is None or self.wait_s(now_s) > 0:
            return None
        self._advance()
        return due

    def _advance(self) -> None:
        self._job += 1
        if self._job == self._jobs:
            self._next = None
            return
        time_s = next(self._times_s)
        scheduled_s = None if time_s is None else self._began_s + time_s
        self._next = Due(self._job, scheduled_s)


def last_start_s(arrivals: Arrivals, jobs: int) -> float:
    """Return when the last job of a block is scheduled to begin, from the block's begin."""
    times_s = itertools.islice(arrivals.times_s(), jobs)
    return max((time_s for time_s in times_s if time_s is not None), default=0.0)


def longest_gap_s(arrivals: Arrivals, jobs: int) -> float:
    """Return the longest time in which no job of a block is scheduled to begin.

    A pool may be silent for that long without anything being wrong.
    """
    times_s = itertools.islice(arrivals.times_s(), jobs)
    known_s = [0.0, *(time_s for time_s in times_s if time_s is not None)]
    return max((b - a for a, b in itertools.pairwise(known_s)), default=0.0)
