"""Standing jobs: they stay from image to image, and no bad one is ever an answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from perf.load.jobs.targets import LocalModel
from perf.load.pools.child import STANDING, JobPool
from perf.load.record import BlockRequest
from serving.model.artifacts import Artifacts
from serving.runtimes.process import session_members
from serving.work.classification import Top
from tests.perf.load.test_launcher import OBEY, errors, most_at_a_time, run
from tests.support.fakes import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]

# Runs two jobs that never end, says who runs them, and waits to be killed.
_PARENT = f"""
from perf.load.pools.child import STANDING, JobPool
from perf.load.record import BlockRequest
pool = JobPool({OBEY!r}, launcher=STANDING)
print(pool.pid, flush=True)
pool.run(BlockRequest(("hang", "hang"), 2, {PATIENCE_S}, None))
"""


@pytest.fixture
def pool() -> Iterator[JobPool]:
    """Standing jobs that do what their image's name says."""
    one = JobPool(OBEY, launcher=STANDING)
    yield one
    one.stop()
    wait_until(lambda: not any(session_members(one.pid)), "the pool's group ends")


def pids(block: object) -> set[int]:
    """Return the processes that answered."""
    return {r.answer[0][0] for r in block.records if r.answer}  # type: ignore[attr-defined]


@pytest.mark.parametrize("slots", [1, 3])
def test_jobs_stay_from_block_to_block(pool: JobPool, tmp_path: Path, slots: int) -> None:
    """As many processes as slots take all images, in this block and in the next."""
    block = run(pool, *[f"meet:{slots}"] * slots, slots=slots, target=tmp_path)
    assert len(pids(block)) == slots
    again = run(pool, *["kitten"] * 12, slots=slots, target=tmp_path)
    assert pids(again) <= pids(block)
    assert sorted(r.image for r in again.records) == list(range(12))
    assert most_at_a_time(block.records) == slots


def test_a_bad_image_is_no_answer(pool: JobPool) -> None:
    """What raises fails; who dies fails and is replaced; the others are answered."""
    block = run(pool, "raise:no", "kitten", "exit:3", "kill:9", "kitten", slots=1)
    assert errors(block) == [
        "ValueError: no",
        "",
        "died: exit code 3",
        "died: signal 9",
        "",
    ]
    assert len(pids(block)) == 2


def test_a_late_job_is_killed_and_replaced(pool: JobPool) -> None:
    """No answer within the deadline is a failure, and the next image finds a new job."""
    block = run(pool, "hang", "kitten", slots=1, deadline_s=1.0)
    late, good = errors(block)
    assert late == "late: no answer within 1 s (--perf-job-timeout)"
    assert good == ""


def test_another_target_finds_other_jobs(pool: JobPool) -> None:
    """Jobs that loaded one model are ended before another is asked for."""
    first = pids(run(pool, "kitten", slots=1, target="one"))
    second = pids(run(pool, "kitten", slots=1, target="other"))
    assert not first & second
    assert not any(psutil.pid_exists(pid) for pid in first)


def test_a_model_that_cannot_be_loaded_fails_every_image(pool: JobPool) -> None:
    """The fault is told for each image, as where every job loads for itself."""
    block = run(pool, "kitten", "kitten", slots=1, target=OSError("no such file"))
    assert errors(block) == ["OSError: no such file"] * 2


def test_cpu_of_the_jobs_is_counted(pool: JobPool) -> None:
    """What the jobs computed for a block is in its totals."""
    block = run(pool, *["burn:0.1"] * 4)
    assert 0.4 <= block.totals.jobs_cpu_s < 5.0


def test_nothing_outlives_the_parent() -> None:
    """A parent that is killed in a block takes all of them with it."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        wait_until(lambda: len(list(session_members(group))) >= 3, "both jobs run")
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not any(session_members(group)), "the pool's group ends")


@pytest.mark.parametrize(
    ("module", "launcher"),
    [
        ("perf.load.jobs.decentralized", STANDING),
        ("perf.load.jobs.shared", "perf.load.pools.launcher"),
    ],
)
def test_both_answer_as_jobs_that_load_the_model(
    artifacts: Callable[[str], Artifacts], module: str, launcher: str
) -> None:
    """Jobs that stay, and jobs that share one model, give the reference predictions."""
    model = artifacts("resnet18")
    target = LocalModel(str(model.checkpoint), str(model.preprocess), 1)
    images = tuple(model.predictions)
    pool = JobPool(module, launcher=launcher)
    try:
        blocks = [pool.run(BlockRequest(images, 2, PATIENCE_S, target)) for _ in range(2)]
    finally:
        pool.stop()
    for block in blocks:
        answers: dict[str, Top] = {images[r.image]: r.answer for r in block.records}
        for image, top in answers.items():
            assert [name for name, _ in top] == [
                name for name, _ in model.predictions[image]
            ]
