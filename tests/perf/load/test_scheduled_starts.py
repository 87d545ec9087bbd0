"""Jobs with scheduled starts, in real processes.

A busy machine may begin any job late, so these tests ask for order and for "not before".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from perf.load.arrivals.constant import ConstantRate
from perf.load.pools import child_pool
from perf.load.pools.base import BlockRun, Pool
from tests.perf.load.blocks import JOB_POOLS, errors, in_order, run, running


@pytest.fixture(params=JOB_POOLS)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Each pool in turn, with jobs that do what their image's name says."""
    with running(request.param) as one:
        yield one


def assert_on_schedule(block: BlockRun, jobs: int, rate_rps: float) -> None:
    """Assert that all jobs ran in order, none early, each scheduled at its own time."""
    records = in_order(block)
    assert [record.image for record in records] == list(range(jobs))
    for job, record in enumerate(records):
        assert record.scheduled_s == block.totals.began_s + job / rate_rps
        assert record.launched_s >= record.scheduled_s
    launched_s = [record.launched_s for record in records]
    assert launched_s == sorted(launched_s)


def test_jobs_begin_at_a_constant_rate(pool: Pool) -> None:
    """With slots to spare every job begins at its time, and the block lasts so long."""
    block = run(pool, *["kitten"] * 10, slots=10, arrivals=ConstantRate(20.0))
    assert not any(errors(block))
    assert_on_schedule(block, 10, 20.0)
    assert block.duration_s >= 9 / 20.0


def test_a_full_pool_delays_jobs_and_keeps_their_times(pool: Pool) -> None:
    """Without a free slot a job waits; it is neither left out nor scheduled anew."""
    block = run(pool, *["burn:0.05"] * 6, slots=1, arrivals=ConstantRate(100.0))
    assert not any(errors(block))
    assert_on_schedule(block, 6, 100.0)
    for job, following in itertools.pairwise(in_order(block)):
        assert following.launched_s >= job.ended_s
    # Six jobs of 50 ms of CPU, due within 50 ms, cannot all have begun on time.
    assert in_order(block)[-1].launched_s > in_order(block)[-1].scheduled_s


@pytest.mark.slow(reason="waits for a start that is seconds away")
def test_a_deadline_passes_before_the_next_start(pool: Pool) -> None:
    """The pool wakes for a late job although the next start is further off."""
    block = run(pool, "hang", "kitten", deadline_s=0.2, arrivals=ConstantRate(0.5))
    late, good = in_order(block)
    assert late.error == "late: no answer within 0.2 s (--perf-job-timeout)"
    assert late.ended_s < good.launched_s
    assert_on_schedule(block, 2, 0.5)


def test_a_pool_sleeps_until_the_next_start(pool: Pool) -> None:
    """Waiting for a start costs next to no CPU."""
    block = run(pool, *["kitten"] * 2, arrivals=ConstantRate(1.0))
    assert block.duration_s >= 1.0
    assert block.totals.pool_cpu_s < block.duration_s / 2


@pytest.mark.slow(reason="waits for a start that is seconds away")
def test_a_gap_in_the_schedule_is_no_fault(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool is not given up because no job was due for a long time."""
    monkeypatch.setattr(child_pool, "_SLACK_S", 0.5)
    block = run(pool, *["kitten"] * 2, deadline_s=1.0, arrivals=ConstantRate(0.4))
    assert_on_schedule(block, 2, 0.4)
