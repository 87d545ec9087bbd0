"""Jobs that ask a server, in the pool that runs them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perf.experiment.answers import Counts, Expected
from perf.experiment.pool_arms import ServedArm
from perf.experiment.workload import Workload
from perf.load.pools.base import Pool
from serving.backends.base import ServedModel
from serving.backends.null import NullBackend
from serving.model.choice import photographs
from serving.model.standalone.images import Picture
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from tests.perf.load.answering import answering
from tests.perf.load.blocks import errors, most_at_a_time, run, running
from tests.support.fakes import PATIENCE_S, RESNET, TOP, ended

KITTEN = str(next(path for path in photographs() if path.stem == "kitten"))


@pytest.fixture(scope="module")
def clients() -> Iterator[Pool]:
    """A launcher whose jobs ask a server."""
    with running("forked", "perf.load.jobs.client") as one:
        yield one


@pytest.fixture
def relaunched() -> Iterator[Pool]:
    """The same for one test, which starts it anew."""
    with running("forked", "perf.load.jobs.client") as one:
        yield one


@pytest.mark.slow(reason="starts a server")
def test_clients_of_the_null_server(relaunched: Pool, tmp_path: Path) -> None:
    """Every client has the real null server's answer, over two launches of it."""
    expected = Expected(predictions={KITTEN: TOP})
    arm = ServedArm(
        pool=relaunched,
        backend=NullBackend(TOP),
        model=ServedModel(name="null", archive=tmp_path / "null.mar"),
        spec=ServerSpec(workers=1, threads_per_worker=1, startup_timeout_s=60),
        runtime=ProcessRuntime("test-of-jobs"),
        workload=Workload([KITTEN], 20, 4, PATIENCE_S, expected),
    )
    launches, counts = [], Counts()
    try:
        for _ in range(2):
            arm.relaunch()
            launches.append(arm.server_pids())
            block = arm.block()
            arm.observed()
            counts.add(block.run.records, block.images, expected)
            assert math.isfinite(block.throughput_rps)
            assert most_at_a_time(block.run) <= 4
    finally:
        arm.stop()
        arm.stop()
    assert arm.server_pids() == ()
    assert launches[0] != launches[1]
    assert all(ended(pid) for server_pids in launches for pid in server_pids)
    counts.raise_if_bad("the clients")
    assert counts.total == 40


def test_client_posts_the_file(clients: Pool) -> None:
    """The server gets the file's bytes, and the job returns the server's answer."""
    with answering(200, b'{"281": 0.75, "282": 0.125}') as (server, address):
        block = run(clients, KITTEN, target=address)
    assert block.records[0].answer == ((281, 0.75), (282, 0.125))
    assert server.bodies == [Path(KITTEN).read_bytes()]


def test_a_tensor_client_posts_the_models_input(tmp_path: Path) -> None:
    """The job decodes the image, as the model's preprocessing file says."""
    preprocess = tmp_path / "preprocess.json"
    preprocess.write_text(RESNET, "utf-8")
    with (
        running("forked", "perf.load.jobs.tensor_client") as pool,
        answering(200, b'{"281": 0.75}') as (server, address),
    ):
        target = address._replace(preprocess=str(preprocess))
        block = run(pool, KITTEN, target=target)
    assert block.records[0].answer == ((281, 0.75),)
    picture = Picture.read(preprocess)
    expected = picture.array(Path(KITTEN).read_bytes())
    assert [np.array_equal(picture.input_of(b), expected) for b in server.bodies] == [True]


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (503, "no worker to serve", "RefusedError: HTTP 503: no worker to serve"),
        (404, "", "RefusedError: HTTP 404: "),
        (200, "<html>", "JSONDecodeError: "),
        (200, '{"cat": 0.5}', "ValueError: "),
        (200, "[1, 2]", "AttributeError: "),
        (200, "", "JSONDecodeError: "),
    ],
)
def test_a_refused_job_has_failed(
    clients: Pool, status: int, text: str, words: str
) -> None:
    """A status other than 200, or an answer that cannot be read, is the job's error."""
    with answering(status, text.encode()) as (_, address):
        block = run(clients, KITTEN, target=address)
    assert errors(block)[0].startswith(words)
    assert block.records[0].answer == ()


def test_a_server_that_is_gone(clients: Pool) -> None:
    """A job that finds nobody at the address has failed and says so."""
    with answering(200, b"{}") as (_, address):
        pass
    assert errors(run(clients, KITTEN, target=address))[0].startswith(
        "ConnectionRefusedError"
    )


def test_an_image_that_is_gone(clients: Pool, tmp_path: Path) -> None:
    """A job whose file is missing has failed and names the file."""
    missing = str(tmp_path / "gone.jpg")
    with answering(200, b"{}") as (server, address):
        block = run(clients, missing, target=address)
    assert errors(block)[0].startswith("FileNotFoundError")
    assert missing in errors(block)[0]
    assert server.bodies == []
