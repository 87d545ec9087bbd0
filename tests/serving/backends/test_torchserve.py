"""A real TorchServe: ready when it has the settings asked for, else an error."""

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
from serving.backends.base import ServedModel
from serving.backends.torchserve import TorchServe, TorchServeServer
from serving.environment import computing
from serving.errors import ServerError
from serving.model.artifacts import Artifacts
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from serving.work.classification import differs
from tests.support.fakes import ended, wait_until

# A batch that is not full waits longer than the test's requests take to arrive.
SPEC = ServerSpec(workers=2, threads_per_worker=3, batch_size=4, batch_delay_ms=20_000)
ALONE = ServerSpec(workers=1, threads_per_worker=1)
_JOB_S = 60.0


def _start(archive: Path, spec: ServerSpec, name: str = "resnet18") -> TorchServeServer:
    model = ServedModel(name=name, archive=archive)
    return TorchServe().start(model, spec, ProcessRuntime(session_name()))


@pytest.fixture(scope="module")
def resnet18(artifacts: Callable[[str], Artifacts]) -> Artifacts:
    """The model that these tests serve."""
    return artifacts("resnet18")


@pytest.fixture(scope="module")
def server(resnet18: Artifacts) -> Iterator[TorchServeServer]:
    """One server, with `SPEC`, for all tests that do not change it."""
    started = _start(resnet18.archive, SPEC)
    yield started
    started.stop()


def _ask(server: TorchServeServer, images: list[str], model: Artifacts) -> list[str]:
    """POST all images at once; return what is wrong with each answer."""
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
    """Return the request ids of every batch, from the workers' log."""
    log = server._launched.log_tail(lines=5000)
    found = re.findall(r"PredictionTime\.ms:.*requestID:([^\s]*),timestamp", log)
    return {tuple(batch.split(",")) for batch in found}


def test_ready_is_what_was_asked_for(server: TorchServeServer) -> None:
    """A started server reports all its workers, and the batch settings of its spec."""
    seen = server.observed()
    assert (seen["workers"], seen["batch_size"], seen["batch_delay_ms"]) == (2, 4, 20_000)
    assert len(str(seen["worker_ids"]).split(",")) == 2


def test_answers_are_the_reference_predictions_in_batches_as_asked(
    server: TorchServeServer, resnet18: Artifacts
) -> None:
    """Eight requests at once make two batches of four, and each answer is right."""
    images = [*resnet18.predictions, *list(resnet18.predictions)[:3]]
    before = _batches(server)
    assert _ask(server, images, resnet18) == [""] * 8
    wait_until(lambda: len(_batches(server) - before) >= 2, "the workers' log")
    assert [len(batch) for batch in _batches(server) - before] == [4, 4]


def test_workers_have_the_threads_asked_for(server: TorchServeServer) -> None:
    """Every worker's environment has the spec's threads, for every library."""
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
    """A second server may run, lose a worker and end; the first goes on as before.

    A worker that died is reported, even after TorchServe has replaced it. The log begins
    with the death, without metrics.
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
        folder = Path(second._launched._placement.home).parent  # type: ignore[attr-defined]  # -- the process runtime's
        second.stop()
        assert all(ended(pid) for pid in ours)
        assert not folder.exists()
        second.stop()
    images = list(resnet18.predictions)[:4]
    assert _ask(server, images, resnet18) == [""] * 4
    assert server.observed()["workers"] == 2


@dataclass
class _Stopping:
    """Adds to a server the method that `contextlib.closing` calls."""

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
    """A truncated archive is reported as such, with the log, before the time is over."""
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
    """A handler that ends its worker is reported, with the log, after its first try."""
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
    """A server that is late is ended; the message has the option and the log's end."""
    spec = ALONE.model_copy(update={"startup_timeout_s": 1})
    with pytest.raises(ServerError) as caught:
        _start(resnet18.archive, spec)
    told, _, tail = str(caught.value).partition("\n--- the end of the server's log ---\n")
    assert told == (
        "TorchServe was not ready within 1 s; --perf-startup-timeout gives it longer"
    )
    assert tail == caught.value.log_tail


def test_settings_that_torchserve_does_not_take(resnet18: Artifacts) -> None:
    """A setting that is in the configuration but is ignored by TorchServe is refused."""
    spec = ALONE.model_copy(update={"batch_delay_ms": 0})
    with pytest.raises(
        ServerError, match=r"runs with \{'batch_delay_ms': 100\}, asked for"
    ):
        _start(resnet18.archive, spec)
