"""What every backend must do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from perf.load.jobs import client, tensor_client
from perf.load.jobs.client import RefusedError
from perf.load.jobs.targets import Address
from perf.machine.freezing import at_rest
from perf.machine.lock import session_name
from serving.backends.base import ServedModel, Server
from serving.backends.registry import BACKENDS, find_backend
from serving.engines import ENGINES
from serving.environment import computing
from serving.errors import ConfigError, ServerError
from serving.model.artifacts import Artifacts
from serving.model.choice import photographs
from serving.model.converted import ensure_converted
from serving.runtimes.base import Runtime
from serving.runtimes.docker import DockerRuntime
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from serving.work.classification import Top, differs
from tests.support.docker_engine import OWN_BASE, WHEELS
from tests.support.fakes import ended, wait_until

pytest_plugins = ("tests.support.docker_fixtures",)

# The delay is so long that a full batch can be told from one that waited.
SPEC = ServerSpec(
    workers=2, threads_per_worker=1, batch_size=2, batch_delay_ms=10_000, queue_size=50
)
ALONE = ServerSpec(workers=1, threads_per_worker=1)
LOCAL = [name for name in BACKENDS if "process" in find_backend(name).runtimes]
_JOB_S = 120.0
_SETTLING_S, _REST_S = 1.0, 4.0
_ENGINES = ("torchscript", "openvino")


@pytest.fixture(scope="module")
def served(
    artifacts: Callable[[str], Artifacts], cache: Path
) -> Callable[..., ServedModel]:
    """Return a function from an engine's name to the smaller ResNet for that engine."""

    def make(engine: str = "torchscript") -> ServedModel:
        model = artifacts("resnet18")
        made = ensure_converted(model, ENGINES[engine], photographs(), cache)
        return ServedModel(
            name="resnet18", archive=made.archive, engine=made.engine, files=made.files
        )

    return make


@pytest.fixture(scope="module")
def runtime_of(request: pytest.FixtureRequest) -> Callable[[str], Runtime]:
    """Return a function from a backend to a runtime for it: processes, if it can."""

    def make(backend: str) -> Runtime:
        if backend in LOCAL:
            return ProcessRuntime(session_name())
        request.getfixturevalue("engine")
        return _in_docker()

    return make


@pytest.fixture(scope="module", params=BACKENDS)
def server(
    request: pytest.FixtureRequest,
    served: Callable[..., ServedModel],
    runtime_of: Callable[[str], Runtime],
) -> Iterator[Server]:
    """One server of each backend, for all tests that do not change it."""
    backend = find_backend(request.param)
    started = backend.start(served(), SPEC, runtime_of(request.param))
    yield started
    started.stop()


def _in_docker() -> DockerRuntime:
    wheels = Path(WHEELS) if WHEELS else None
    return DockerRuntime(session_name(), base=OWN_BASE, wheels=wheels)


def _ask(server: Server, images: list[str]) -> list[Top]:
    """POST all images at once; return the answers."""
    target = _address(server)
    with ThreadPoolExecutor(len(images)) as pool:
        return list(pool.map(lambda image: client.run(image, target), images))


def _address(server: Server) -> Address:
    return Address(
        server.host,
        server.port,
        server.predict_path,
        _JOB_S,
        dialect=server.dialect,
    )


def _faults(server: Server, images: list[str], predictions: Mapping[str, Top]) -> list[str]:
    """Return what is wrong with the answer to each image; empty where it is right."""
    return [
        differs(answer, predictions[image])
        for answer, image in zip(_ask(server, images), images, strict=True)
    ]


def _tree(server: Server) -> list[psutil.Process]:
    roots = [psutil.Process(pid) for pid in server.root_pids()]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def test_it_reports_its_settings(server: Server) -> None:
    """Workers, batch size and delay, as it reports them, are what was asked for."""
    seen = server.observed()
    assert {**SPEC.model_dump(), **seen}["workers"] == 2
    assert (seen["batch_size"], seen["batch_delay_ms"]) == (2, 10_000)


def test_its_answers_are_right(
    server: Server, artifacts: Callable[[str], Artifacts]
) -> None:
    """Each of many images at once gets its own reference prediction."""
    predictions = artifacts("resnet18").predictions
    images = [*predictions, *list(predictions)[:3]]
    assert _faults(server, images, predictions) == [""] * 8


def test_a_full_batch_does_not_wait(server: Server) -> None:
    """Of four images for two workers at least two make a full batch, without delay."""
    image = str(photographs()[0])
    target = _address(server)
    _ask(server, [image] * 4)  # the first answers of a worker are slow
    begun_s = time.monotonic()

    def answered_s(_: int) -> float:
        client.run(image, target)
        return time.monotonic() - begun_s

    with ThreadPoolExecutor(4) as pool:
        response_times_s = sorted(pool.map(answered_s, range(4)))
    assert response_times_s[1] < SPEC.batch_delay_ms / 1e3


def test_bytes_that_are_not_an_image_are_refused(server: Server, tmp_path: Path) -> None:
    """They get an error, and the next image is answered again."""
    none = tmp_path / "none.jpg"
    none.write_text("no picture")
    with pytest.raises(RefusedError, match="HTTP 5"):
        _ask(server, [str(none)] * 4)
    assert _ask(server, [str(photographs()[0])] * 4)
    server.observed()


def test_workers_have_the_threads_asked_for(server: Server) -> None:
    """Every process of the server has the spec's threads and allocator."""
    assert {**SPEC.model_dump(), **server.observed()}["threads_per_worker"] == 1
    for process in _tree(server):
        if process.name().startswith(("containerd-shim", "ray::")):
            continue  # Docker's own; one that overwrites its environment with its title
        assert computing(1, "retain").items() <= process.environ().items()


def test_left_to_itself_it_does_not_spin(server: Server) -> None:
    """A server without requests uses little of a core, even if it is not stopped."""
    assert _used_at_rest_s(server) < 0.25 * _REST_S


def test_at_rest_it_uses_no_cpu(
    server: Server, artifacts: Callable[[str], Artifacts]
) -> None:
    """A stopped server uses no CPU, and answers as before when it continues.

    A container has another user, so only root may stop it.
    """
    with at_rest(server.root_pids()):
        assert _used_at_rest_s(server) < 0.1 * _REST_S
    predictions = artifacts("resnet18").predictions
    assert _faults(server, list(predictions), predictions) == [""] * len(predictions)


def _used_at_rest_s(server: Server) -> float:
    """Return the CPU time that a server uses in `_REST_S` without requests."""

    def used_s() -> float:
        times = [process.cpu_times() for process in _tree(server)]
        return sum(spent.user + spent.system for spent in times)

    time.sleep(_SETTLING_S)
    before_s = used_s()
    time.sleep(_REST_S)
    return used_s() - before_s


@pytest.mark.parametrize("backend", LOCAL)
def test_everything_listens_on_loopback(
    backend: str, served: Callable[..., ServedModel], runtime_of: Callable[[str], Runtime]
) -> None:
    """No port of the server can be reached from another machine."""
    server = find_backend(backend).start(served(), ALONE, runtime_of(backend))
    try:
        listening = _listening(server)
    finally:
        server.stop()
    assert listening == {"127.0.0.1"}


def _listening(server: Server) -> set[str]:
    return {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in _tree(server)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_ends_with_all_that_it_started(
    backend: str, served: Callable[..., ServedModel], runtime_of: Callable[[str], Runtime]
) -> None:
    """After `stop` no process and no folder is left. A second stop does nothing."""
    server = find_backend(backend).start(served(), ALONE, runtime_of(backend))
    ours = {process.pid for process in _tree(server)}
    assert ours
    server.stop()
    server.stop()
    assert all(ended(pid) for pid in ours)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_that_dies_is_reported(
    backend: str, served: Callable[..., ServedModel], runtime_of: Callable[[str], Runtime]
) -> None:
    """Whether the server ends or replaces the worker, `observed` raises an error."""
    server = find_backend(backend).start(served(), ALONE, runtime_of(backend))
    try:
        server.observed()
        for process in _workers(server):
            os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: _complaint(server) != "", "the worker's death")
    finally:
        server.stop()


def _workers(server: Server) -> list[psutil.Process]:
    """Return the processes with the model in memory: the largest Python process."""
    python = [p for p in _tree(server) if "python" in p.name()]
    return [max(python, key=lambda process: process.memory_info().rss)]


def _complaint(server: Server) -> str:
    try:
        server.observed()
    except ServerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_runs_any_engine(
    backend: str,
    served: Callable[..., ServedModel],
    artifacts: Callable[[str], Artifacts],
    runtime_of: Callable[[str], Runtime],
) -> None:
    """A backend serves another engine, and the answers are the checkpoint's."""
    predictions = artifacts("resnet18").predictions
    model = served("openvino")
    server = find_backend(backend).start(model, ALONE, runtime_of(backend))
    try:
        faults = _faults(server, list(predictions), predictions)
    finally:
        server.stop()
    assert faults == [""] * 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_may_decode_a_batch_and_jobs_too(
    backend: str,
    served: Callable[..., ServedModel],
    artifacts: Callable[[str], Artifacts],
    runtime_of: Callable[[str], Runtime],
) -> None:
    """Images, and arrays that jobs have made of them, may be in one batch."""
    model = artifacts("resnet18")
    spec = ALONE.model_copy(
        update={"preprocess_threads": 2, "batch_size": 2, "batch_delay_ms": 1000}
    )
    model_served = served("openvino")
    server = find_backend(backend).start(model_served, spec, runtime_of(backend))
    try:
        target = _address(server)._replace(preprocess=str(model.preprocess))
        tensor_client.prepare(target)
        asked = [
            (job, image) for image in model.predictions for job in (tensor_client, client)
        ]
        with ThreadPoolExecutor(len(asked)) as pool:
            answers = list(pool.map(lambda one: one[0].run(one[1], target), asked))
    finally:
        server.stop()
    faults = [
        differs(answer, model.predictions[image])
        for answer, (_, image) in zip(answers, asked, strict=True)
    ]
    assert faults == [""] * 10


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("backend", LOCAL)
def test_it_runs_in_a_container(
    backend: str, served: Callable[..., ServedModel], artifacts: Callable[[str], Artifacts]
) -> None:
    """Its image has the packages of backend and engine, and the answers are right."""
    predictions = artifacts("resnet18").predictions
    server = find_backend(backend).start(served("openvino"), ALONE, _in_docker())
    try:
        assert server.observed()["batch_size"] == 1
        faults = _faults(server, list(predictions), predictions)
    finally:
        server.stop()
    assert faults == [""] * 5


def test_an_unknown_backend_is_refused() -> None:
    """The message has the names of all backends."""
    with pytest.raises(ConfigError, match=r"backend steam: no such backend; known: torchs"):
        find_backend("steam")
