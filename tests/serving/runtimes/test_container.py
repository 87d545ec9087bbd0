"""What the Docker engine tells of a container's end."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import docker
import pytest
import requests

from serving.runtimes import container
from serving.runtimes.base import Placement
from serving.runtimes.container import LaunchedContainer

RUNS = {"Running": True, "OOMKilled": False, "ExitCode": 0}
KILLED = {"Running": False, "OOMKilled": False, "ExitCode": 137}
AT_ITS_LIMIT = {**KILLED, "OOMKilled": True}
PLACEMENT = Placement(bind_host="", home="", scratch="", ports={}, python="")


class Client:
    """A client that tells one state after the other, and then the last one."""

    def __init__(self, *states: dict[str, Any] | Exception) -> None:
        """Prepare."""
        self.states = list(states)
        self.asked = 0

    @property
    def api(self) -> Client:
        """Return itself."""
        return self

    def inspect_container(self, _id: str) -> dict[str, Any]:
        """Return the next state, or raise it."""
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return {"State": state}


def launched(client: Client) -> LaunchedContainer:
    """Return a container of this client."""
    seen = {"Id": "c", "NetworkSettings": {"Ports": {}}}
    docker_client = cast("docker.DockerClient", client)
    return LaunchedContainer(docker_client, seen, PLACEMENT, {}, ExitStack())


def test_the_memory_limit_may_be_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine learns of it after the end, so a killed program is asked for again."""
    monkeypatch.setattr(container, "_LOOK_EVERY_S", 0.0)
    client = Client(KILLED, KILLED, AT_ITS_LIMIT)
    assert launched(client).exit_reason() == "exit code 137, killed at its memory limit"


def test_a_program_that_another_one_killed_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine is asked for a limited time."""
    monkeypatch.setattr(container, "_LEARNS_S", 0.01)
    monkeypatch.setattr(container, "_LOOK_EVERY_S", 0.0)
    assert launched(Client(KILLED)).exit_reason() == "exit code 137"


@pytest.mark.parametrize(
    ("state", "reason"),
    [(RUNS, None), ({**KILLED, "ExitCode": 1}, "exit code 1")],
    ids=["runs", "ended"],
)
def test_otherwise_the_engine_is_asked_once(
    state: dict[str, Any], reason: str | None
) -> None:
    """A container that runs, and one that ended by itself, need no second look."""
    client = Client(state)
    assert launched(client).exit_reason() == reason
    assert client.asked == 1


def test_an_engine_that_fails_once_makes_no_process_disappear() -> None:
    """Its CPU time would count for nobody, and then for other programs."""
    here = {"Pid": os.getpid()}
    gone = docker.errors.NotFound("gone")
    silent = requests.ReadTimeout("no answer")
    found = launched(Client(silent, here, silent, gone, silent))
    found._id = Path("/proc/self/cgroup").read_text("utf-8").strip()[-1]
    first, second, third, fourth, fifth = (found.root_pids() for _ in range(5))
    assert first == fourth == fifth == ()
    assert second == third != ()
