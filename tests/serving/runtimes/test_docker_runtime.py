"""What a container may and may not do, and that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from serving.backends.ready import get_json, wait_ready
from serving.errors import ConfigError, ServerError
from serving.runtimes import docker as docker_runtime
from serving.runtimes.base import SESSION_LABEL, Program
from serving.runtimes.container import LaunchedContainer
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import TEST_REPOSITORY, Runtimes, containers

pytest_plugins = ("tests.support.docker_fixtures",)

# Answers every request with what the program can do and see in its container.
SELF_PORTRAIT = """\
import http.server, json, os, pathlib, subprocess, sys

def attempt(action):
    try:
        action()
    except OSError as error:
        return error.strerror
    return "done"

def portrait():
    status = pathlib.Path("/proc/self/status").read_text()
    script = pathlib.Path(os.environ["TMPDIR"], "script")
    script.write_text("#!/bin/sh\\n")
    script.chmod(0o755)
    home = pathlib.Path(sys.argv[2])
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "status": dict(l.split(":\\t", 1) for l in status.splitlines() if ":\\t" in l),
        "first_process": pathlib.Path("/proc/1/comm").read_text().strip(),
        "write_root": attempt(pathlib.Path("/new").touch),
        "write_home": attempt((home / "serve.py").touch),
        "write_beside": attempt((home / "new").touch),
        "run_script": attempt(lambda: subprocess.run([str(script)], check=True)),
        "private": (home / "private.txt").read_text(),
        "environment": dict(os.environ),
    }

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(portrait()).encode())

print("listening", flush=True)
http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""

WAIT_FOR_A_SIGN = """\
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("waiting")
signal.sigwait({signal.SIGTERM})
"""


def test_program_has_no_privileges(runtimes: Runtimes, tmp_path: Path) -> None:
    """The program is not root, can gain no rights, and can write only its scratch."""
    with _portrait(runtimes(), tmp_path) as (_, seen):
        assert (seen["uid"], seen["gid"]) == (10001, 10001)
        assert seen["status"]["NoNewPrivs"] == "1"
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(seen["status"][kind], 16) == 0
        for place in ("write_root", "write_home", "write_beside"):
            assert seen[place] in {"Read-only file system", "Permission denied"}
        assert seen["run_script"] == "done"
        assert seen["first_process"] in {"docker-init", "tini"}
        environment = seen["environment"]
        scratch = runtimes().place(()).scratch
        assert environment["HOME"] == environment["TMPDIR"] == scratch


def test_file_of_its_owner_alone_can_be_read(runtimes: Runtimes, tmp_path: Path) -> None:
    """The program can read a file that only its owner may read here."""
    with _portrait(runtimes(), tmp_path) as (_, seen):
        assert seen["private"] == "for its owner"


def test_engine_was_told_the_limits(
    runtimes: Runtimes, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """Limits, label and ports are as asked for, and the container never restarts."""
    with _portrait(runtimes(cpus=0.5, memory="256m"), tmp_path) as (launched, _):
        facts = launched.describe()
        inspected = engine.api.inspect_container(launched._id)
        host = inspected["HostConfig"]
        assert (host["NanoCpus"], host["Memory"]) == (500_000_000, 256 * 1024**2)
        assert host["RestartPolicy"]["Name"] in {"", "no"}
        assert host["AutoRemove"] is False
        assert host["ReadonlyRootfs"] is True
        assert {b["HostIp"] for b in inspected["NetworkSettings"]["Ports"]["8080/tcp"]} == {
            "127.0.0.1"
        }
        assert inspected["Config"]["Labels"][SESSION_LABEL]
        assert facts["limit_cpus"] == "0.5"
        assert facts["limit_memory_bytes"] == str(256 * 1024**2)
        assert facts["image"].startswith(f"{TEST_REPOSITORY}:")
        assert facts["image_digest"] == inspected["Image"]
        assert facts["engine"].startswith("Docker ")


def test_root_process_is_the_containers(
    runtimes: Runtimes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root is the first process's parent; a number from elsewhere is refused."""
    with _portrait(runtimes(), tmp_path) as (launched, _):
        (pid,) = launched.root_pids()
        (first,) = psutil.Process(pid).children()
        assert launched._id in Path(f"/proc/{first.pid}/cgroup").read_text("utf-8")
        monkeypatch.setattr(launched, "_state", lambda: {"Pid": os.getpid()})
        assert launched.root_pids() == ()


def test_the_engine_is_the_runtimes_helper(runtimes: Runtimes) -> None:
    """The helpers are the Docker engine's processes, which forward ports and write logs."""
    names = {psutil.Process(pid).name() for pid in runtimes().helper_pids()}
    assert "dockerd" in names
    assert names <= {"dockerd", "containerd"}


def test_stop_removes_everything_and_keeps_the_log(
    runtimes: Runtimes, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """After `stop` the container is gone, its log is kept; a second stop does nothing."""
    with _portrait(runtimes(), tmp_path) as (launched, _):
        launched.stop()
        with pytest.raises(docker.errors.NotFound):
            engine.api.inspect_container(launched._id)
        assert "listening" in launched.log_tail()
        assert launched.exit_reason() == "stopped"
        assert launched.root_pids() == ()
        launched.stop()


def test_death_is_noticed(runtimes: Runtimes, engine: docker.DockerClient) -> None:
    """A program that ended is dead, whatever its exit code; its log can be read."""
    launched = _run(runtimes(), "print('last words'); raise SystemExit(0)")
    with _stopping(launched):
        assert launched.exit_reason() is None
        _go_on(engine, launched)
        assert launched.exit_reason() == "exit code 0"
        assert launched.log_tail(1) == "last words"
        assert launched.root_pids() == ()


def test_log_tail_is_the_end(runtimes: Runtimes, engine: docker.DockerClient) -> None:
    """The tail has the last lines, as many as asked for, before and after `stop`."""
    launched = _run(runtimes(), "for i in range(300): print(i)")
    with _stopping(launched):
        _go_on(engine, launched)
        assert launched.log_tail(2) == "298\n299"
    assert launched.log_tail(2) == "298\n299"


def test_death_at_the_memory_limit_is_named(
    runtimes: Runtimes, engine: docker.DockerClient
) -> None:
    """The reason says that a program was killed at its memory limit."""
    launched = _run(runtimes(memory="48m"), "x = bytearray(256 * 1024**2)")
    with _stopping(launched):
        _go_on(engine, launched)
        assert launched.exit_reason() == "exit code 137, killed at its memory limit"


def test_early_death_is_one_error(
    runtimes: Runtimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that dies before its ports are known raises ServerError with its log."""
    real = docker.APIClient.inspect_container

    def inspect_the_dead(client: docker.APIClient, name: str) -> object:
        client.wait(name)
        return real(client, name)

    monkeypatch.setattr(docker.APIClient, "inspect_container", inspect_the_dead)
    runtime = runtimes()
    placement = runtime.place(("main",))
    program = Program(argv=(placement.python, "-c", "raise SystemExit('no such model')"))
    with pytest.raises(ServerError, match=r"exit code 1[\s\S]*no such model"):
        runtime.launch(placement, program)


def test_removal_by_another_program_is_a_death(
    runtimes: Runtimes, engine: docker.DockerClient
) -> None:
    """A container that was removed is dead, and stopping it raises no error."""
    launched = _run(runtimes(), "import time; time.sleep(600)")
    with _stopping(launched):
        engine.api.remove_container(launched._id, force=True)
        assert launched.exit_reason() == "the container was removed by another program"
        assert launched.log_tail() == ""


def test_missing_file_leaves_nothing(runtimes: Runtimes, tmp_path: Path) -> None:
    """A program whose file is missing raises ServerError, and nothing is left."""
    runtime = runtimes()
    placement = runtime.place(("main",))
    program = Program(argv=("true",), files={"model.mar": tmp_path / "absent.mar"})
    with pytest.raises(ServerError, match=r"absent\.mar"):
        runtime.launch(placement, program)


@pytest.mark.parametrize("step", ["create_container_from_config", "start"])
def test_interruption_leaves_nothing(
    runtimes: Runtimes, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Ctrl-C after the container was created or started removes it."""
    runtime = runtimes()
    runtime.image()
    real = getattr(docker.APIClient, step)

    def interrupted(*args: Any, **keywords: Any) -> None:  # noqa: ANN401 -- like the original
        real(*args, **keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr(docker.APIClient, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        _run(runtime, "import time; time.sleep(600)")


def test_fixed_port_is_used(runtimes: Runtimes, tmp_path: Path) -> None:
    """The first port has the number asked for."""
    port = _free_port()
    with _portrait(runtimes(port=port), tmp_path) as (launched, _):
        assert launched.address("main") == ("127.0.0.1", port)


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
    port = _free_port()
    runtime = runtimes(port=port)
    placement = runtime.place(("main",))
    with (
        _portrait(runtimes(port=port), tmp_path),
        pytest.raises(ConfigError, match=f"--perf-port {port}"),
    ):
        runtime.launch(placement, Program(argv=("true",)))


def test_impossible_limit(runtimes: Runtimes) -> None:
    """More cores than there are raises ConfigError with the options."""
    with pytest.raises(ConfigError, match="--perf-docker-cpus and --perf-docker-memory"):
        _run(runtimes(cpus=10_000), "")


@pytest.mark.parametrize("memory", ["much", "8x", "", "0", "-1g"])
def test_memory_that_is_no_size(memory: str) -> None:
    """A memory limit that is not a size raises ConfigError before anything starts."""
    with pytest.raises(ConfigError, match="--perf-docker-memory"):
        DockerRuntime("session", memory=memory)


def test_reap_removes_what_dead_sessions_left(
    runtimes: Runtimes, engine: docker.DockerClient
) -> None:
    """Containers of dead sessions are removed; those of living ones are kept."""
    runtime = runtimes()
    dead, living = (_run(runtime, "import time; time.sleep(600)") for _ in range(2))
    with _stopping(dead), _stopping(living):
        session = runtime._sandbox.session
        assert DockerRuntime.reap(lambda other: True) == []  # noqa: ARG005 -- all are alive
        living_name = engine.api.inspect_container(living._id)["Name"].lstrip("/")
        removed = DockerRuntime.reap(lambda other: other != session)
        assert len(removed) == 2
        assert living_name in removed
        assert containers(engine, session) == []


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


def _run(runtime: DockerRuntime, script: str) -> LaunchedContainer:
    """Launch a program that waits for `_go_on`, then runs `script`."""
    placement = runtime.place(("main",))
    command = (placement.python, "-uc", WAIT_FOR_A_SIGN + script)
    return runtime.launch(placement, Program(argv=command))


def _go_on(engine: docker.DockerClient, launched: LaunchedContainer) -> None:
    """Let a program of `_run` continue, and return when it is dead."""
    wait_ready(launched, lambda: launched.log_tail() or None, 60, "the program")
    engine.api.kill(launched._id, "SIGTERM")
    engine.api.wait(launched._id)


@contextlib.contextmanager
def _portrait(
    runtime: DockerRuntime, folder: Path
) -> Iterator[tuple[LaunchedContainer, dict[str, Any]]]:
    """Launch SELF_PORTRAIT; yield the container and the program's answer."""
    private = folder / "private.txt"
    private.write_text("for its owner", encoding="utf-8")
    private.chmod(0o600)
    placement = runtime.place(("main",))
    script = f"{placement.home}/serve.py"
    program = Program(
        argv=(placement.python, script, str(placement.ports["main"]), placement.home),
        files={"serve.py": SELF_PORTRAIT, "private.txt": private},
    )
    launched = runtime.launch(placement, program)
    with _stopping(launched):
        seen = wait_ready(
            launched, lambda: get_json(launched.address("main"), "/"), 60, "the portrait"
        )
        yield launched, json.loads(json.dumps(seen))


@contextlib.contextmanager
def _stopping(launched: LaunchedContainer) -> Iterator[None]:
    try:
        yield
    finally:
        launched.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
