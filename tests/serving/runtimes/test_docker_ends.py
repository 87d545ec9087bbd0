"""How a container ends, and that nothing of it is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import pytest

from serving.errors import ServerError
from serving.runtimes.base import Program
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import Runtimes, containers
from tests.support.docker_programs import go_on, portrait, run_waiting, stopping

pytest_plugins = ("tests.support.docker_fixtures",)


def test_death_is_noticed(runtimes: Runtimes, engine: docker.DockerClient) -> None:
    """A program that ended is dead, whatever its exit code; its log can be read."""
    launched = run_waiting(runtimes(), "print('last words'); raise SystemExit(0)")
    with stopping(launched):
        assert launched.exit_reason() is None
        go_on(engine, launched)
        assert launched.exit_reason() == "exit code 0"
        assert launched.log_tail(1) == "last words"
        assert launched.root_pids() == ()


def test_log_tail_is_the_end(runtimes: Runtimes, engine: docker.DockerClient) -> None:
    """The tail has the last lines, as many as asked for, before and after `stop`."""
    launched = run_waiting(runtimes(), "for i in range(300): print(i)")
    with stopping(launched):
        go_on(engine, launched)
        assert launched.log_tail(2) == "298\n299"
    assert launched.log_tail(2) == "298\n299"


def test_death_at_the_memory_limit_is_named(
    runtimes: Runtimes, engine: docker.DockerClient
) -> None:
    """The reason says that a program was killed at its memory limit."""
    launched = run_waiting(runtimes(memory="48m"), "x = bytearray(256 * 1024**2)")
    with stopping(launched):
        go_on(engine, launched)
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
    launched = run_waiting(runtimes(), "import time; time.sleep(600)")
    with stopping(launched):
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
        run_waiting(runtime, "import time; time.sleep(600)")


def test_stop_removes_everything_and_keeps_the_log(
    runtimes: Runtimes, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """After `stop` the container is gone, its log is kept; a second stop does nothing."""
    with portrait(runtimes(), tmp_path) as (launched, _):
        launched.stop()
        with pytest.raises(docker.errors.NotFound):
            engine.api.inspect_container(launched._id)
        assert "listening" in launched.log_tail()
        assert launched.exit_reason() == "stopped"
        assert launched.root_pids() == ()
        launched.stop()


def test_reap_removes_what_dead_sessions_left(
    runtimes: Runtimes, engine: docker.DockerClient
) -> None:
    """Containers of dead sessions are removed; those of living ones are kept."""
    runtime = runtimes()
    dead, living = (run_waiting(runtime, "import time; time.sleep(600)") for _ in range(2))
    with stopping(dead), stopping(living):
        session = runtime._sandbox.session
        assert DockerRuntime.reap(lambda other: True) == []  # noqa: ARG005 -- all are alive
        living_name = engine.api.inspect_container(living._id)["Name"].lstrip("/")
        removed = DockerRuntime.reap(lambda other: other != session)
        assert len(removed) == 2
        assert living_name in removed
        assert containers(engine, session) == []
