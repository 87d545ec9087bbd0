"""Ports, limits and Docker engines that cannot be used are refused in one line."""

from __future__ import annotations

import gc
import socket
import tempfile
from pathlib import Path

import pytest

from serving.errors import ConfigError
from serving.runtimes import docker as docker_runtime
from serving.runtimes.base import Program
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import Runtimes
from tests.support.docker_programs import free_port, portrait, run_waiting

pytest_plugins = ("tests.support.docker_fixtures",)


def test_port_held_by_another_program(runtimes: Runtimes) -> None:
    """A held port raises ConfigError with the option, in `place` and in `launch`."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--perf-port {port}"):
            runtimes(port=port).place(("main",))
    runtime = runtimes(port=port)
    runtime.image()
    placement = runtime.place(("main",))
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigError, match=f"--perf-port {port}"),
    ):
        runtime.launch(placement, Program(argv=("true",)))


def test_port_held_by_another_container(runtimes: Runtimes, tmp_path: Path) -> None:
    """A port of another container is refused with the same message."""
    port = free_port()
    runtime = runtimes(port=port)
    placement = runtime.place(("main",))
    with (
        portrait(runtimes(port=port), tmp_path),
        pytest.raises(ConfigError, match=f"--perf-port {port}"),
    ):
        runtime.launch(placement, Program(argv=("true",)))


def test_impossible_limit(runtimes: Runtimes) -> None:
    """More cores than there are raises ConfigError with the options."""
    with pytest.raises(ConfigError, match="--perf-docker-cpus and --perf-docker-memory"):
        run_waiting(runtimes(cpus=10_000), "")


@pytest.mark.parametrize("memory", ["much", "8x", "", "0", "-1g"])
def test_memory_that_is_no_size(memory: str) -> None:
    """A memory limit that is not a size raises ConfigError before anything starts."""
    with pytest.raises(ConfigError, match="--perf-docker-memory"):
        DockerRuntime("session", memory=memory)


def test_a_missing_docker_engine_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a Docker engine there is a short reason, and the errors name the option."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert DockerRuntime.unavailable() == "no Docker engine runs here; see DOCKER_HOST"
    with pytest.raises(ConfigError, match="--perf-runtime docker: no Docker engine runs"):
        DockerRuntime.require_engine()
    with pytest.raises(ConfigError, match="--perf-runtime docker"):
        DockerRuntime("session").image()
    gc.collect()  # an unclosed socket would warn now, and a warning is an error


def test_silent_engine_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker engine that accepts a connection but never answers counts as missing."""
    monkeypatch.setattr(docker_runtime, "_PROBE_S", 1)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/silent.sock")
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/silent.sock")
        said = DockerRuntime.unavailable()
        assert said == "the Docker engine does not answer in time; see DOCKER_HOST"
    gc.collect()


def test_junk_as_docker_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid address is reported like any other reason."""
    monkeypatch.setenv("DOCKER_HOST", "nonsense://here")
    assert "nonsense" in str(DockerRuntime.unavailable())
    gc.collect()
