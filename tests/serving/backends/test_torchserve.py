"""A real TorchServe: ready when it is what was asked for, and never in silence when not."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from perf.load.jobs.client import run
from perf.load.jobs.targets import Address
from perf.machine.lock import session_name
from serving.backends import torchserve
from serving.backends.base import ServedModel
from serving.backends.null import NullBackend
from serving.backends.torchserve import TorchServe, TorchServeServer, render_config
from serving.environment import computing
from serving.errors import ServerError
from serving.model.artifacts import Artifacts
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from serving.work.classification import differs
from tests.support.fake_server import FakeLaunched, FakeRuntime
from tests.support.fakes import ended, wait_until

# A batch that is not full waits for longer than the test's requests take to arrive.
SPEC = ServerSpec(workers=2, threads_per_worker=3, batch_size=4, batch_delay_ms=20_000)
ALONE = ServerSpec(workers=1, threads_per_worker=1)
_JOB_S = 60.0

GOLDEN = """\
inference_address=http://127.0.0.1:8001
management_address=http://127.0.0.1:8002
metrics_address=http://127.0.0.1:8003
grpc_inference_address=127.0.0.1
grpc_management_address=127.0.0.1
grpc_inference_port=8004
grpc_management_port=8005
initial_worker_port=8006
model_store=/the/home
load_models=resnet152.mar
models={"resnet152": {"1.0": {"defaultVersion": true, "marName": "resnet152.mar", \
"minWorkers": 2, "maxWorkers": 2, "batchSize": 8, "maxBatchDelay": 50, \
"responseTimeout": 20, "startupTimeout": 30}}}
default_workers_per_model=2
default_response_timeout=20
default_startup_timeout=30
job_queue_size=1000
enable_model_api=true
disable_token_authorization=true
number_of_gpu=0
disable_system_metrics=true
"""


def _start(archive: Path, spec: ServerSpec, name: str = "resnet18") -> TorchServeServer:
    model = ServedModel(name=name, archive=archive)
    return TorchServe().start(model, spec, ProcessRuntime(session_name()))


@pytest.fixture(scope="module")
def resnet18(artifacts: Callable[[str], Artifacts]) -> Artifacts:
    """The model that these tests serve."""
    return artifacts("resnet18")


@pytest.fixture(scope="module")
def server(resnet18: Artifacts) -> Iterator[TorchServeServer]:
    """One server, with `SPEC`, for all tests that leave it as it is."""
    started = _start(resnet18.archive, SPEC)
    yield started
    started.stop()


def _ask(server: TorchServeServer, images: list[str], model: Artifacts) -> list[str]:
    """POST all images at once; return what was wrong with each answer."""
    target = Address(server.host, server.port, server.predict_path, _JOB_S)
    with ThreadPoolExecutor(len(images)) as pool:
        answers = list(pool.map(lambda image: run(image, target), images))
    return [
        differs(answer, model.predictions[image])
        for answer, image in zip(answers, images, strict=True)
    ]


def _tree(server: TorchServeServer) -> list[psutil.Process]:
    (root,) = (psutil.Process(pid) for pid in server.root_pids())
    return [root, *root.children(recursive=True)]


def _batches(server: TorchServeServer) -> set[tuple[str, ...]]:
    """Return the request ids of every batch that a worker says it predicted."""
    log = server._launched.log_tail(lines=5000)
    found = re.findall(r"PredictionTime\.ms:.*requestID:([^\s]*),timestamp", log)
    return {tuple(batch.split(",")) for batch in found}


def test_ready_is_what_was_asked_for(server: TorchServeServer) -> None:
    """A started server shows all its workers READY, and the batch settings of its spec."""
    seen = server.observed()
    assert (seen["workers"], seen["batch_size"], seen["batch_delay_ms"]) == (2, 4, 20_000)
    assert len(str(seen["worker_ids"]).split(",")) == 2


def test_answers_are_the_reference_predictions_in_batches_as_asked(
    server: TorchServeServer, resnet18: Artifacts
) -> None:
    """Eight requests at once are two batches of four, and every answer is its image's."""
    images = [*resnet18.predictions, *list(resnet18.predictions)[:3]]
    before = _batches(server)
    assert _ask(server, images, resnet18) == [""] * 8
    wait_until(lambda: len(_batches(server) - before) >= 2, "the workers' account")
    assert [len(batch) for batch in _batches(server) - before] == [4, 4]


def test_workers_have_the_threads_asked_for(server: TorchServeServer) -> None:
    """Every worker runs with the spec's threads, whichever library counts them."""
    workers = [int(pid) for pid in str(server.observed()["worker_ids"]).split(",")]
    for pid in workers:
        environment = psutil.Process(pid).environ()
        assert computing(3, "retain").items() <= environment.items()
    assert set(workers) <= {process.pid for process in _tree(server)}


def test_everything_listens_on_loopback(server: TorchServeServer) -> None:
    """No port of the server can be reached from another machine."""
    listening = [
        connection.laddr.ip
        for process in _tree(server)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_two_servers_do_not_collide(server: TorchServeServer, resnet18: Artifacts) -> None:
    """A second server runs beside the first; its worker's death and its end are its own.

    A worker that died is told, also when TorchServe has put another in its place.
    """
    second = _start(resnet18.archive, ALONE)
    with contextlib.closing(_Stopping(second)):
        image = next(iter(resnet18.predictions))
        assert _ask(second, [image], resnet18) == [""]
        ours = {process.pid for process in _tree(second)}
        assert not ours & {process.pid for process in _tree(server)}
        os.kill(int(second.observed()["worker_ids"]), signal.SIGKILL)
        wait_until(lambda: _complaint(second) != "", "the worker's death")
        wait_until(lambda: "replaced" in _complaint(second), "another worker")
        _, _, log = _complaint(second).partition("the end of the server's log ---\n")
        assert "worker process died" in "".join(log.splitlines()[:10])
        assert "TS_METRICS" not in log
        ours |= {process.pid for process in _tree(second)}
        folder = Path(second._launched._placement.home).parent  # type: ignore[attr-defined]
        second.stop()
        assert all(ended(pid) for pid in ours)
        assert not folder.exists()
        second.stop()
    images = list(resnet18.predictions)[:4]
    assert _ask(server, images, resnet18) == [""] * 4
    assert server.observed()["workers"] == 2


@dataclass
class _Stopping:
    """Gives a server the method that `contextlib.closing` calls."""

    server: TorchServeServer

    def close(self) -> None:
        self.server.stop()


def _complaint(server: TorchServeServer) -> str:
    try:
        server.observed()
    except ServerError as error:
        return str(error)
    return ""


def test_truncated_archive(resnet18: Artifacts, tmp_path: Path) -> None:
    """A truncated archive is told as such, with the log, before the time-out."""
    truncated = tmp_path / "resnet18.mar"
    truncated.write_bytes(resnet18.archive.read_bytes()[:1_000_000])
    with pytest.raises(ServerError) as caught:
        _start(truncated, ALONE)
    assert str(caught.value).startswith("TorchServe: the model archive cannot be read\n")
    assert "Failed to load model" in caught.value.log_tail


@pytest.mark.parametrize(
    "handler",
    ["import os\nos.kill(os.getpid(), 9)\n", "raise RuntimeError('no such weights')\n"],
    ids=["killed", "raises"],
)
def test_worker_that_dies_while_loading(
    resnet18: Artifacts, tmp_path: Path, handler: str
) -> None:
    """A handler that takes its process with it is told, with the log, on its first try."""
    deadly = tmp_path / "resnet18.mar"
    with zipfile.ZipFile(resnet18.archive) as good, zipfile.ZipFile(deadly, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, handler if name == "handler.py" else good.read(name))
    with pytest.raises(ServerError) as caught:
        _start(deadly, ALONE)
    told = "TorchServe: a worker died while loading the model\n--- the end of the server's"
    assert str(caught.value).startswith(told)
    assert caught.value.log_tail


def test_not_ready_in_time(resnet18: Artifacts) -> None:
    """A server that is late is ended; its message has the option and the log's end."""
    spec = ALONE.model_copy(update={"startup_timeout_s": 1})
    with pytest.raises(ServerError) as caught:
        _start(resnet18.archive, spec)
    told, _, tail = str(caught.value).partition("\n--- the end of the server's log ---\n")
    assert told == (
        "TorchServe was not ready within 1 s; --perf-startup-timeout gives it longer"
    )
    assert tail == caught.value.log_tail


MODEL = ServedModel(name="resnet152", archive=Path("resnet152.mar"))
FAKED = ServerSpec(
    workers=2,
    threads_per_worker=1,
    batch_size=8,
    batch_delay_ms=50,
    queue_size=1000,
    response_timeout_s=20,
    startup_timeout_s=30,
)


def _described(statuses: str, **settings: int) -> list[dict[str, object]]:
    """Return an answer of the describe API, a worker for each status."""
    workers = [{"status": s, "pid": 1000 + i} for i, s in enumerate(statuses.split())]
    return [{"batchSize": 8, "maxBatchDelay": 50, **settings, "workers": workers}]


def _answers(monkeypatch: pytest.MonkeyPatch, *answers: object) -> None:
    """Let the describe API give these answers, one after the other."""
    left = list(answers)
    monkeypatch.setattr(torchserve, "get_json", lambda _address, _path: left.pop(0))


def test_not_ready_before_every_worker_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer, fewer workers, more workers, or one that is not READY: not ready yet."""
    unready = [
        None,
        {"code": 404},
        [],
        _described(""),
        _described("READY"),
        _described("READY UNLOADING"),
        _described("READY READY READY"),
    ]
    _answers(monkeypatch, *unready, _described("UNLOADED READY READY"))
    server = TorchServeServer(FakeLaunched(), MODEL, FAKED)
    assert [server.probe() for _ in unready] == [None] * len(unready)
    seen = server.probe()
    assert seen is not None
    assert seen["workers"] == 2


def test_settings_that_torchserve_does_not_take(resnet18: Artifacts) -> None:
    """Settings that the configuration names and TorchServe ignores are not let pass."""
    spec = ALONE.model_copy(update={"batch_delay_ms": 0})
    with pytest.raises(
        ServerError, match=r"runs with \{'batch_delay_ms': 100\}, asked for"
    ):
        _start(resnet18.archive, spec)


def test_a_card_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that computes elsewhere than it was told to is refused."""
    workers = [{"status": "READY", "pid": pid, "gpu": True} for pid in (1000, 1001)]
    told = {"batchSize": 8, "maxBatchDelay": 50, "workers": workers}
    _answers(monkeypatch, [told])
    with pytest.raises(ServerError, match=r"runs with \{'device': 'cuda'\}, asked for"):
        TorchServe().start(MODEL, FAKED, FakeRuntime(FakeLaunched()))


@pytest.mark.parametrize(
    ("settings", "differing"),
    [
        ({"batchSize": 1}, "'batch_size': 1"),
        ({"maxBatchDelay": 100}, "'batch_delay_ms': 100"),
    ],
)
def test_other_batch_settings(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, int], differing: str
) -> None:
    """A server whose workers are ready with other settings is refused, and stopped."""
    _answers(monkeypatch, _described("READY READY", **settings))
    launched = FakeLaunched()
    with pytest.raises(ServerError) as caught:
        TorchServe().start(MODEL, FAKED, FakeRuntime(launched))
    assert str(caught.value) == (
        f"TorchServe runs with {{{differing}}}, "
        "asked for {'batch_size': 8, 'batch_delay_ms': 50, 'queue_size': 1000, "
        "'workers': 2, 'device': 'cpu'}"
    )
    assert launched.stops == 1


def test_death_before_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends before it is ready is told at once, with its last words."""
    _answers(monkeypatch, None)
    launched = FakeLaunched(log="Invalid port", reason="exit code 1")
    with pytest.raises(ServerError, match=r"died before it was ready \(exit code 1\)") as e:
        TorchServe().start(MODEL, FAKED, FakeRuntime(launched))
    assert e.value.log_tail == "Invalid port"
    assert launched.stops == 1


def test_death_after_it_was_ready() -> None:
    """A server that died since is told with how it ended and its last words."""
    server = TorchServeServer(FakeLaunched("OutOfMemory", "exit code -9"), MODEL, FAKED)
    with pytest.raises(ServerError) as caught:
        server.observed()
    told, _, tail = str(caught.value).partition("\n")
    assert told == "TorchServe died (exit code -9)"
    assert tail.endswith("\nOutOfMemory")


@pytest.mark.parametrize("backend", [TorchServe(), NullBackend(())])
def test_server_that_cannot_be_reached_is_stopped(
    backend: TorchServe | NullBackend,
) -> None:
    """Where a program dies before its address is known, nothing of it is left."""
    launched = FakeLaunched(unreachable=True)
    with pytest.raises(ServerError, match="died at once"):
        backend.start(MODEL, FAKED, FakeRuntime(launched))
    assert launched.stops == 1


def test_interrupted_start_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the server is starting ends it."""

    def interrupted(_address: object, _path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torchserve, "get_json", interrupted)
    launched = FakeLaunched()
    with pytest.raises(KeyboardInterrupt):
        TorchServe().start(MODEL, FAKED, FakeRuntime(launched))
    assert launched.stops == 1


def test_configuration() -> None:
    """The configuration is this text; the models' settings are one line of JSON."""
    ports = FakeRuntime(FakeLaunched()).place(torchserve._PORTS)
    assert render_config(MODEL, FAKED, ports) == GOLDEN
