"""The Protocol of a pool, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from perf.load.record import BlockRequest, BlockTotals, JobRecord

OnRecord = Callable[[JobRecord], None]
"""Called for each job as it ends."""


@dataclass(frozen=True, slots=True)
class BlockRun:
    """What a block of jobs came to."""

    records: tuple[JobRecord, ...]
    """One for each job, in the order in which they ended."""
    totals: BlockTotals

    @property
    def duration_s(self) -> float:
        """From the block's begin to the last job's end."""
        return self.totals.ended_s - self.totals.began_s


class Pool(Protocol):
    """Runs jobs, block by block; not for several threads."""

    def run(self, request: BlockRequest, on_record: OnRecord | None = None) -> BlockRun:
        """Run one block and return it when its last job has ended.

        A job that fails, dies or is late is a record with an error. Raises PerfError
        where the pool itself fails.
        """

    def relaunch(self) -> None:
        """End all processes and start new ones, unless they have run no block yet.

        Raises PerfError where they do not start.

        How a process lies in memory changes its speed, and all that it forks inherits that.
        """

    def root_pids(self) -> tuple[int, ...]:
        """Return the processes whose trees are the jobs' CPU and memory."""

    def stop(self) -> None:
        """End the pool and every job that still runs."""


PoolFactory = Callable[[str, Mapping[str, str]], Pool]
"""Starts a pool for a job module, by its name, with variables for the jobs' environment.

It returns when jobs can begin, and raises PerfError where they cannot.
"""
