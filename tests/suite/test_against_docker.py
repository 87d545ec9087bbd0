"""A run side by side whose servers are in containers."""

from __future__ import annotations

import signal
from pathlib import Path

import docker
import psutil
import pytest

from perf.machine.lock import session_name
from serving.runtimes.docker import DockerRuntime
from tests.support.docker_engine import BASE, WHEELS
from tests.support.suite import ROOT, Suite, tiny_model

pytest_plugins = ("tests.support.docker_fixtures",)


def stopped(engine: docker.DockerClient, container: str) -> bool:
    """Return whether every process of a container is stopped, as the host sees them."""
    try:
        found = engine.api.top(container)
        place = found["Titles"].index("PID")
        pids = [int(one[place]) for one in found["Processes"]]
        states = {psutil.Process(pid).status() for pid in pids}
    except (docker.errors.APIError, psutil.Error):  # it has ended, or one of them has
        return False
    return states == {psutil.STATUS_STOPPED}


def test_each_container_is_stopped_as_a_whole_while_the_other_has_its_turn(
    engine: docker.DockerClient, suite: Suite
) -> None:
    """In turns every process of a server is stopped, also where they run in a container.

    A run that is interrupted then leaves no container.
    """
    wheels = Path(WHEELS) if WHEELS else None
    DockerRuntime(session_name(), base=BASE, wheels=wheels).image()
    model = ("--perf-model", tiny_model(), "-k", "serving-batch")
    more = (f"--perf-against={ROOT}", "--perf-runtime", "docker", "--perf-budget", "5")
    run = suite.start(*model, *more)
    waited: set[str] = set()

    def both() -> list[str]:
        waited.update(one for one in suite.containers() if stopped(engine, one))
        return sorted(waited)[1:]  # something once there are two

    run.until("both containers have waited", both)
    run.process.send_signal(signal.SIGINT)
    ended = run.wait()
    assert suite.left_over() == []
    assert ended.code == pytest.ExitCode.INTERRUPTED, ended.output
