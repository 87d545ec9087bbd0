"""What is decided about TorchServe from its answers and its log; none is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.backends import torchserve
from serving.backends.base import ServedModel
from serving.backends.null import NullBackend
from serving.backends.torchserve import TorchServe, TorchServeServer, render_config
from serving.errors import ServerError
from serving.spec import ServerSpec
from tests.support.fake_server import FakeLaunched, FakeRuntime

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
    """Return an answer of the describe API, with one worker for each status."""
    workers = [{"status": s, "pid": 1000 + i} for i, s in enumerate(statuses.split())]
    return [{"batchSize": 8, "maxBatchDelay": 50, **settings, "workers": workers}]


def _answers(monkeypatch: pytest.MonkeyPatch, *answers: object) -> None:
    """Make the describe API give these answers, one after the other."""
    left = list(answers)
    monkeypatch.setattr(torchserve, "get_json", lambda _address, _path: left.pop(0))


def test_not_ready_before_every_worker_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer, or with too few or too many READY workers, it is not ready."""
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


def test_a_card_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that computes on another device than asked for is refused."""
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
    """A server whose workers are ready with other settings is refused and stopped."""
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
    """A server that dies before it is ready is reported at once, with its log."""
    _answers(monkeypatch, None)
    launched = FakeLaunched(log="Invalid port", reason="exit code 1")
    with pytest.raises(ServerError, match=r"died before it was ready \(exit code 1\)") as e:
        TorchServe().start(MODEL, FAKED, FakeRuntime(launched))
    assert e.value.log_tail == "Invalid port"
    assert launched.stops == 1


def test_death_after_it_was_ready() -> None:
    """A server that died since is reported with its exit code and its log."""
    server = TorchServeServer(
        FakeLaunched("OutOfMemory", "killed by SIGKILL"), MODEL, FAKED
    )
    with pytest.raises(ServerError) as caught:
        server.observed()
    told, _, tail = str(caught.value).partition("\n")
    assert told == "TorchServe died (killed by SIGKILL)"
    assert tail.endswith("\nOutOfMemory")


@pytest.mark.parametrize("backend", [TorchServe(), NullBackend(())])
def test_server_that_cannot_be_reached_is_stopped(
    backend: TorchServe | NullBackend,
) -> None:
    """Where a program dies before its address is known, it is stopped."""
    launched = FakeLaunched(unreachable=True)
    with pytest.raises(ServerError, match="died at once"):
        backend.start(MODEL, FAKED, FakeRuntime(launched))
    assert launched.stops == 1


def test_interrupted_start_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the server starts ends it."""

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
