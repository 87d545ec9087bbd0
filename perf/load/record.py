"""What a block of jobs is asked to be, and what is recorded of it.

All times are seconds of the monotonic clock, which all processes of a machine share. The
processes that fork jobs import this module, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import NamedTuple

from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from serving.work import Answer


class JobRecord(NamedTuple):
    """One job that has ended, well or not."""

    image: int
    """The place of the job's image in the block's request, from 0."""
    scheduled_s: float
    """When the job was to begin; in a closed loop, when it was launched."""
    launched_s: float
    """When a process was asked to run the job."""
    started_s: float
    """When the process began to work; `launched_s` for a job that failed in its pool."""
    ended_s: float
    """When the job had its answer; for a job that gave none, when its pool noticed."""
    answer: Answer
    """What the job returned; the empty tuple for a job that failed."""
    error: str
    """What went wrong; empty for a job that answered."""

    @property
    def latency_ms(self) -> float:
        """From the scheduled start to the job's end, in milliseconds.

        In a closed loop a job is scheduled when it is launched.
        """
        return (self.ended_s - self.scheduled_s) * 1e3


class BlockTotals(NamedTuple):
    """What a finished block took as a whole."""

    began_s: float
    """When the block began; scheduled starts are counted from here."""
    ended_s: float
    """When the last job had ended."""
    pool_cpu_s: float
    """CPU time of the pool itself, which launches the jobs."""
    jobs_cpu_s: float
    """CPU time of the jobs."""
    under_way_s: float = 0.0
    """How many jobs were due and not ended, integrated over time, as the pool counted them.

    Zero where it did not count.
    """


class BlockRequest(NamedTuple):
    """Run one job for each of `images`."""

    images: tuple[str, ...]
    """The paths of the images, one for each job, in the order of the jobs."""
    slots: int
    """How many jobs may run at a time, at most."""
    deadline_s: float
    """A job that has not ended this long after its launch is killed, and has failed."""
    target: object
    """What every job is pointed at: an address, or a model to load."""
    arrivals: Arrivals = ClosedLoop()
    """When the jobs are to begin."""
