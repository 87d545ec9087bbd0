"""Run blocks in real pools, and look at their records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.pools.base import BlockRun, OnRecord, Pool
from perf.load.pools.open_loop import OpenLoopPool
from perf.load.pools.registry import POOLS, find_pool
from perf.load.record import BlockRequest, JobRecord
from serving.runtimes.process import session_members
from tests.support.fakes import PATIENCE_S, wait_until

OBEY = "tests.support.jobs_that_obey"

JOB_POOLS = sorted(POOLS.keys() - {OpenLoopPool.name})
"""The pools that run any job; the other one sends requests alone."""


@contextmanager
def running(
    name: str, job_module: str = OBEY, env: Mapping[str, str] | None = None
) -> Iterator[Pool]:
    """Yield a pool; stop it, and wait until none of its processes is left."""
    pool = find_pool(name)(job_module, env or {})
    try:
        yield pool
    finally:
        pool.stop()
        wait_until(lambda: not members(pool), "the pool's processes end")


def root_pid(pool: Pool) -> int:
    """Return the one process that starts the pool's jobs."""
    (pid,) = pool.root_pids()
    return pid


def members(pool: Pool) -> set[int]:
    """Return the processes of the pool, its jobs among them."""
    return set(session_members(root_pid(pool)))


def run(  # noqa: PLR0913 -- a block's request, each part with a default
    pool: Pool,
    *images: str,
    slots: int = 2,
    deadline_s: float = PATIENCE_S,
    target: object = None,
    arrivals: Arrivals = ClosedLoop(),  # noqa: B008 -- frozen
    on_record: OnRecord | None = None,
) -> BlockRun:
    """Run one block."""
    request = BlockRequest(images, slots, deadline_s, target, arrivals)
    return pool.run(request, on_record)


def in_order(block: BlockRun) -> list[JobRecord]:
    """Return the records in the order of the images."""
    return sorted(block.records, key=lambda record: record.image)


def errors(block: BlockRun) -> list[str]:
    """Return each job's error, in the order of the images."""
    return [record.error for record in in_order(block)]


def pids(block: BlockRun) -> set[int]:
    """Return the processes that answered; for jobs of `OBEY` only."""
    return {record.answer[0][0] for record in block.records if record.answer}


def most_at_a_time(block: BlockRun) -> int:
    """Return how many jobs ran at the busiest moment, from launch to end."""
    return max(
        sum(r.launched_s <= at.launched_s < r.ended_s for r in block.records)
        for at in block.records
    )
