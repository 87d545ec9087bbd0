"""The pool "forked": a fresh process for every job."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest

from perf.load.pools.base import Pool
from tests.perf.load.blocks import errors, pids, root_pid, run, running


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """A launcher whose jobs do what their image's name says."""
    with running("forked") as one:
        yield one


def test_every_job_is_a_fresh_process(pool: Pool) -> None:
    """No two jobs share a process, and none runs in the launcher or in this process."""
    block = run(pool, *["kitten"] * 10)
    assert len(pids(block)) == 10
    assert not pids(block) & {root_pid(pool), os.getpid()}
    assert psutil.Process(root_pid(pool)).children() == []


def test_a_late_job_is_killed(pool: Pool) -> None:
    """A job that passes its deadline does not outlive its block."""
    run(pool, "hang", "hang", deadline_s=0.2)
    assert psutil.Process(root_pid(pool)).children() == []


def test_a_late_answer_is_no_answer(pool: Pool) -> None:
    """An answer after the deadline is late, even if the launcher saw it late itself."""
    block = run(pool, "dawdle:0.3", "hold up", deadline_s=0.3)
    assert errors(block) == ["late: no answer within 0.3 s (--perf-job-timeout)"] * 2
    assert not any(record.answer for record in block.records)
