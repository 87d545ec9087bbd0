"""The pool runs every job as a fresh process, and no bad one is ever an answer."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psutil
import pytest

from perf.experiment.answers import Counts, Expected
from perf.experiment.arms import ServedArm, Workload
from perf.load.jobs.targets import Address
from perf.load.pools.child import BlockRun, JobPool
from perf.load.record import BlockRequest, JobRecord
from serving.backends.base import ServedModel
from serving.backends.null import NullBackend
from serving.child import ChildError
from serving.model.choice import photographs
from serving.model.standalone.images import Picture
from serving.model.standalone.preprocess import Preprocess
from serving.runtimes.process import ProcessRuntime, session_members
from serving.spec import ServerSpec
from tests.support.fakes import PATIENCE_S, TOP, ended, wait_until

OBEY = "tests.support.jobs_that_obey"
KITTEN = str(next(path for path in photographs() if path.stem == "kitten"))

# Runs two jobs that never end, says who runs them, and waits to be killed.
_PARENT = f"""
from perf.load.pools.child import JobPool
from perf.load.record import BlockRequest
pool = JobPool({OBEY!r})
print(pool.pid, flush=True)
pool.run(BlockRequest(("hang", "hang"), 2, {PATIENCE_S}, None))
"""


class GivenUpError(Exception):
    """Stands for Ctrl-C, or whatever else ends a block in its middle."""


@pytest.fixture(scope="module")
def pool() -> Iterator[JobPool]:
    """A launcher whose jobs do what their image's name says."""
    with running(OBEY) as one:
        yield one


@pytest.fixture(scope="module")
def clients() -> Iterator[JobPool]:
    """A launcher whose jobs ask a server."""
    with running("perf.load.jobs.client") as one:
        yield one


@contextmanager
def running(job_module: str, env: dict[str, str] | None = None) -> Iterator[JobPool]:
    """A pool of its own, of which nothing is left in the end."""
    one = JobPool(job_module, env)
    try:
        yield one
    finally:
        one.stop()
        wait_until(lambda: not any(session_members(one.pid)), "the pool's group ends")


def run(
    pool: JobPool,
    *images: str,
    slots: int = 2,
    deadline_s: float = PATIENCE_S,
    target: object = None,
    on_record: Callable[[JobRecord], None] | None = None,
) -> BlockRun:
    """Run a block that may last."""
    return pool.run(BlockRequest(images, slots, deadline_s, target), on_record)


def errors(block: BlockRun) -> list[str]:
    """Return what each job said went wrong, in the order of the images."""
    return [r.error for r in sorted(block.records)]


def most_at_a_time(records: tuple[JobRecord, ...]) -> int:
    """Return how many jobs ran at the busiest moment, from launch to end."""
    return max(
        sum(r.launched_s <= at.launched_s < r.ended_s for r in records) for at in records
    )


@pytest.mark.parametrize("slots", [1, 3])
def test_never_more_than_the_slots(pool: JobPool, tmp_path: Path, slots: int) -> None:
    """As many jobs run at a time as there are slots, and never one more.

    The first jobs wait for one another, so that they end only if all slots are used.
    """
    images = [*[f"meet:{slots}"] * slots, *["kitten"] * 12]
    block = run(pool, *images, slots=slots, target=tmp_path)
    assert not any(errors(block))
    assert most_at_a_time(block.records) == slots


def test_one_record_for_each_image(pool: JobPool) -> None:
    """Every image has one record, told as it ends; more slots than images do no harm."""
    told: list[JobRecord] = []
    block = run(pool, *["kitten"] * 7, slots=20, on_record=told.append)
    assert sorted(r.image for r in block.records) == list(range(7))
    assert tuple(told) == block.records


def test_every_job_is_a_fresh_process(pool: JobPool) -> None:
    """No two jobs share a process, and none runs in the launcher or in this process."""
    block = run(pool, *["kitten"] * 10)
    pids = {r.answer[0][0] for r in block.records}
    assert len(pids) == 10
    assert not pids & {pool.pid, os.getpid()}
    assert psutil.Process(pool.pid).children() == []


def test_times_are_in_order(pool: JobPool) -> None:
    """Times are of one clock: block, launch, start, end, end of the block."""
    block = run(pool, *["kitten"] * 4)
    totals = block.totals
    for r in block.records:
        times = totals.began_s, r.launched_s, r.started_s, r.ended_s, totals.ended_s
        assert list(times) == sorted(times)
        assert r.latency_ms == pytest.approx(1e3 * (r.ended_s - r.launched_s))
    assert block.duration_s == totals.ended_s - totals.began_s


def test_jobs_cpu_is_counted(pool: JobPool) -> None:
    """A block's totals hold the CPU of its own jobs, apart from the launcher's."""
    block = run(pool, *["burn:0.05"] * 4)
    # The kernel counts the CPU of some systems in hundredths of a second.
    assert block.totals.jobs_cpu_s >= 4 * (0.05 - 0.01)
    assert 0 <= block.totals.pool_cpu_s < block.totals.jobs_cpu_s
    assert run(pool, "kitten").totals.jobs_cpu_s < block.totals.jobs_cpu_s


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("raise:no such thing", "ValueError: no such thing"),
        ("exit:3", "died: exit code 3"),
        ("exit:0", "died: exit code 0"),
        ("leave:0", "died: exit code 1"),
        (f"kill:{signal.SIGKILL:d}", "died: signal 9"),
        (f"kill:{signal.SIGSEGV:d}", "died: signal 11"),
    ],
)
def test_bad_job_is_failed(pool: JobPool, deed: str, words: str) -> None:
    """A job that raises, ends or dies is failed, says how, and spoils no other."""
    block = run(pool, "kitten", deed, "kitten")
    assert errors(block) == ["", words, ""]
    assert [bool(r.answer) for r in sorted(block.records)] == [True, False, True]


def test_late_job_is_killed(pool: JobPool) -> None:
    """A job past its deadline is failed and killed, and the next block is well."""
    block = run(pool, "hang", "hang", "hang", slots=2, deadline_s=0.2)
    assert errors(block) == ["late: no answer within 0.2 s (--perf-job-timeout)"] * 3
    assert all(r.ended_s - r.launched_s >= 0.2 and not r.answer for r in block.records)
    assert psutil.Process(pool.pid).children() == []
    assert errors(run(pool, "kitten")) == [""]


def test_late_answer_is_no_answer(pool: JobPool) -> None:
    """An answer past the deadline is late, even where the launcher was held up as well."""
    block = run(pool, "dawdle:0.3", "hold up", deadline_s=0.3)
    assert errors(block) == ["late: no answer within 0.3 s (--perf-job-timeout)"] * 2
    assert not any(r.answer for r in block.records)


def test_bad_jobs_are_counted_as_failed(pool: JobPool) -> None:
    """None of the ways to fail counts as an answer."""
    images = ["raise:x", "exit:3", "kill:9"]
    counts = Counts()
    counts.add(run(pool, *images).records, images, Expected(predictions={}))
    assert (counts.total, counts.failed, counts.wrong) == (3, 3, 0)


def test_environment_reaches_the_jobs() -> None:
    """What a pool is given as environment, its launcher has."""
    with running(OBEY, {"OMP_NUM_THREADS": "1"}) as one:
        assert psutil.Process(one.pid).environ()["OMP_NUM_THREADS"] == "1"


def test_module_that_cannot_be_imported() -> None:
    """A job module that is missing is a ChildError that names it."""
    with pytest.raises(ChildError, match=r"(?s)died.*tests\.no_such_jobs"):
        JobPool("tests.no_such_jobs")


def test_stop_in_the_middle_leaves_nothing() -> None:
    """A block that is given up halfway leaves no launcher and no job."""

    def give_up(_record: JobRecord) -> None:
        pids.update(session_members(one.pid))
        raise GivenUpError

    pids: set[int] = set()
    with pytest.raises(GivenUpError), running(OBEY) as one:
        run(one, "hang", "hang", "kitten", slots=3, on_record=give_up)
    assert len(pids) == 3  # the launcher and the two that hang
    assert all(ended(pid) for pid in pids)


def test_death_of_the_launcher_is_told_at_once() -> None:
    """A launcher that is killed is a ChildError, though its jobs live on until stop."""

    def kill(_record: JobRecord) -> None:
        pids.update(session_members(one.pid))
        os.kill(one.pid, signal.SIGKILL)

    pids: set[int] = set()
    with running(OBEY) as one:
        with pytest.raises(ChildError, match=r"^perf\.load\.pools\.launcher died"):
            run(one, "hang", "kitten", on_record=kill)
        with pytest.raises(ChildError, match="died"):
            run(one, "kitten")
    wait_until(lambda: all(ended(pid) for pid in pids), "the job ends")
    assert len(pids) == 2


def test_our_own_death_ends_launcher_and_jobs() -> None:
    """Where the measuring process is killed in a block, launcher and jobs go as well."""
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        launcher = int(parent.stdout.readline())
        wait_until(lambda: len(set(session_members(launcher))) == 3, "both jobs run")
        pids = set(session_members(launcher))
        parent.kill()
    wait_until(lambda: all(ended(pid) for pid in pids), "launcher and jobs end")


@pytest.mark.parametrize(
    ("module", "loaded"),
    [
        ("perf.load.jobs.client", 1),
        ("torch", 0),
        ("numpy", 0),
        ("pytest", 0),
        ("requests", 0),
    ],
)
def test_client_launcher_is_light(looker: JobPool, module: str, loaded: int) -> None:
    """The launcher of client jobs has its job loaded, and nothing that is heavy."""
    assert run(looker, module).records[0].answer == ((loaded, 1.0),)


@pytest.fixture(scope="module")
def looker() -> Iterator[JobPool]:
    """A launcher of client jobs that tell what is loaded."""
    with running("tests.support.jobs_that_look") as one:
        yield one


def test_clients_of_the_null_server(clients: JobPool, tmp_path: Path) -> None:
    """Clients have the real null server's answer, every one, over two of its lives."""
    expected = Expected(predictions={KITTEN: TOP})
    arm = ServedArm(
        pool=clients,
        backend=NullBackend(TOP),
        model=ServedModel(name="null", archive=tmp_path / "null.mar"),
        spec=ServerSpec(workers=1, threads_per_worker=1, startup_timeout_s=60),
        runtime=ProcessRuntime("test-of-jobs"),
        workload=Workload([KITTEN], 20, 4, PATIENCE_S, expected),
    )
    lives, counts = [], Counts()
    try:
        for _ in range(2):
            arm.relaunch()
            lives.append(arm.server_pids())
            block = arm.block()
            arm.observed()
            counts.add(block.run.records, block.images, expected)
            assert math.isfinite(block.throughput_rps)
            assert most_at_a_time(block.run.records) <= 4
    finally:
        arm.stop()
        arm.stop()
    assert arm.server_pids() == ()
    assert lives[0] != lives[1]
    assert all(ended(pid) for life in lives for pid in life)
    counts.raise_if_bad("the clients")
    assert counts.total == 40


class Reply(BaseHTTPRequestHandler):
    """Answers a POST as the server that it belongs to was told."""

    server: Answering

    def do_POST(self) -> None:
        """Keep the body, and answer."""
        length = int(self.headers["Content-Length"])
        self.server.bodies.append(self.rfile.read(length))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
        """Say nothing."""


class Answering(ThreadingHTTPServer):
    """A server that gives everyone the same answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.status, self.text = status, text
        self.bodies: list[bytes] = []


@contextmanager
def answering(status: int, text: str) -> Iterator[tuple[Answering, Address]]:
    """A server and where it is."""
    with Answering(status, text) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            address = Address("127.0.0.1", server.server_port, "/predictions/x", PATIENCE_S)
            yield server, address
        finally:
            server.shutdown()
            thread.join()


def test_client_posts_the_file(clients: JobPool) -> None:
    """The file's own bytes are what the server gets, and its answer is the job's."""
    with answering(200, '{"281": 0.75, "282": 0.125}') as (server, address):
        block = run(clients, KITTEN, target=address)
    assert block.records[0].answer == ((281, 0.75), (282, 0.125))
    assert server.bodies == [Path(KITTEN).read_bytes()]


def test_a_tensor_client_posts_the_models_input(tmp_path: Path) -> None:
    """The photograph is decoded in the job, as the model's preprocessing file says."""
    preprocess = tmp_path / "preprocess.json"
    preprocess.write_text(Preprocess().to_json(), "utf-8")
    with (
        running("perf.load.jobs.tensor_client") as pool,
        answering(200, '{"281": 0.75}') as (server, address),
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
def test_refusal_is_failed(clients: JobPool, status: int, text: str, words: str) -> None:
    """What is no answer of 200 that can be read is failed, with what the server said."""
    with answering(status, text) as (_, address):
        block = run(clients, KITTEN, target=address)
    assert errors(block)[0].startswith(words)
    assert block.records[0].answer == ()


def test_server_that_is_gone(clients: JobPool) -> None:
    """Where nobody listens any more, the job is failed and says so."""
    with answering(200, "{}") as (_, address):
        pass
    assert errors(run(clients, KITTEN, target=address))[0].startswith(
        "ConnectionRefusedError"
    )


def test_image_that_is_gone(clients: JobPool, tmp_path: Path) -> None:
    """A job whose file is missing is failed, and names the file."""
    missing = str(tmp_path / "gone.jpg")
    with answering(200, "{}") as (server, address):
        block = run(clients, missing, target=address)
    assert errors(block)[0].startswith("FileNotFoundError")
    assert missing in errors(block)[0]
    assert server.bodies == []
