"""What one job says of itself, and what a block of jobs came to.

Times are seconds of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

from typing import NamedTuple

from serving.work import Answer


class JobRecord(NamedTuple):
    """One job, one image.

    `launched_s` is when its process was asked for; `started_s` and `ended_s` are the
    job's own. `error` is empty for a job that answered, else what went wrong; then `answer`
    is empty and the two times are the pool's.
    """

    image: int
    launched_s: float
    started_s: float
    ended_s: float
    answer: Answer
    error: str

    @property
    def latency_ms(self) -> float:
        """From the asking for a process to the job's end, in milliseconds."""
        return (self.ended_s - self.launched_s) * 1e3


class BlockTotals(NamedTuple):
    """A finished block: when, and the CPU of the pool and of its jobs, in seconds."""

    began_s: float
    ended_s: float
    pool_cpu_s: float
    jobs_cpu_s: float


class BlockRequest(NamedTuple):
    """Run one job for each of `images`, at most `slots` at a time.

    `target` is passed to every job. A job that has not ended `deadline_s` seconds after
    its launch is killed; one that ended later than that has failed as well.
    """

    images: tuple[str, ...]
    slots: int
    deadline_s: float
    target: object
