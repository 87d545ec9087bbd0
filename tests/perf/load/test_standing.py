"""The pool "standing": jobs that stay from image to image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from perf.load.jobs.targets import LocalModel
from perf.load.pools.base import Pool
from serving.exit_code import in_words
from serving.model.artifacts import Artifacts
from tests.perf.load.blocks import errors, in_order, pids, run, running
from tests.support.fakes import wait_until


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Standing jobs that do what their image's name says."""
    with running("standing") as one:
        yield one


@pytest.mark.parametrize("slots", [1, 3])
def test_jobs_stay_from_block_to_block(pool: Pool, tmp_path: Path, slots: int) -> None:
    """As many processes as slots take all images, in this block and in the next."""
    block = run(pool, *[f"meet:{slots}"] * slots, slots=slots, target=tmp_path)
    assert len(pids(block)) == slots
    again = run(pool, *["kitten"] * 12, slots=slots, target=tmp_path)
    assert pids(again) <= pids(block)
    assert [record.image for record in in_order(again)] == list(range(12))


def test_a_dead_job_is_replaced(pool: Pool) -> None:
    """A job that raises stays; one that dies is replaced for the next image."""
    block = run(pool, "raise:no", "kitten", "exit:3", "kill:9", "kitten", slots=1)
    assert errors(block) == [
        "ValueError: no",
        "",
        "died: exit code 3",
        f"died: {in_words(-9)}",
        "",
    ]
    assert len(pids(block)) == 2


def test_a_job_that_died_between_blocks_is_replaced(pool: Pool) -> None:
    """Its death costs the image that it is given, and no other."""
    (pid,) = pids(run(pool, "kitten", slots=1))
    psutil.Process(pid).kill()
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "it dies")
    assert errors(run(pool, "kitten", "kitten", slots=1)) == [f"died: {in_words(-9)}", ""]


def test_a_late_job_is_replaced(pool: Pool) -> None:
    """A job that passes its deadline is killed, and the next image finds a new one."""
    block = run(pool, "hang", "kitten", slots=1, deadline_s=1.0)
    late, good = errors(block)
    assert late == "late: no answer within 1 s (--perf-job-timeout)"
    assert good == ""


def test_another_target_finds_other_jobs(pool: Pool) -> None:
    """Jobs that loaded one model are ended before another is asked for."""
    first = pids(run(pool, "kitten", slots=1, target="one"))
    second = pids(run(pool, "kitten", slots=1, target="other"))
    assert not first & second
    assert not any(psutil.pid_exists(pid) for pid in first)


def test_a_model_that_cannot_be_loaded_fails_every_image(pool: Pool) -> None:
    """The fault is told for each image, as where every job loads for itself."""
    block = run(pool, "kitten", "kitten", slots=1, target=OSError("no such file"))
    assert errors(block) == ["OSError: no such file"] * 2


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("standing", "perf.load.jobs.decentralized"),
        ("forked", "perf.load.jobs.shared"),
    ],
)
def test_both_answer_as_jobs_that_load_the_model(
    artifacts: Callable[[str], Artifacts], name: str, module: str
) -> None:
    """Jobs that stay, and jobs that share one model, give the reference predictions."""
    model = artifacts("resnet18")
    target = LocalModel(str(model.checkpoint), str(model.preprocess), 1)
    with running(name, module) as one:
        blocks = [run(one, *model.predictions, target=target) for _ in range(2)]
    expected = [[pair[0] for pair in top] for top in model.predictions.values()]
    for block in blocks:
        answers = [record.answer for record in in_order(block)]
        assert [[pair[0] for pair in answer] for answer in answers] == expected
