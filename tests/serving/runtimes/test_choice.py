"""What a killed run left is ended, whatever the runtime."""

from __future__ import annotations

import pytest

from serving.runtimes import choice as module
from serving.runtimes.choice import end_left_servers
from serving.runtimes.docker import DockerRuntime


@pytest.mark.parametrize(
    ("runtime", "host", "missing", "ended"),
    [
        ("process", "", "no Docker engine answers", ["processes"]),
        ("process", "", None, ["processes", "containers"]),
        ("process", "unix:///run/docker.sock", None, ["processes", "containers"]),
        ("process", "tcp://elsewhere:2375", None, ["processes"]),
        ("docker", "tcp://elsewhere:2375", None, ["processes", "containers"]),
    ],
)
def test_left_servers_are_ended(
    runtime: str,
    host: str,
    missing: str | None,
    ended: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Processes always; containers where Docker is used, or an engine here answers.

    Both ask who is alive. Another machine's runs cannot be seen, so where they may use the
    engine too, a run without Docker leaves it alone.
    """
    found: list[str] = []

    def is_alive(label: str) -> bool:
        found.append(label)
        return True

    monkeypatch.setattr(module, "reap_orphans", lambda lives: lives("processes"))
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setattr(DockerRuntime, "unavailable", lambda: missing)
    monkeypatch.setattr(DockerRuntime, "reap", lambda lives: lives("containers"))
    end_left_servers(runtime, is_alive)
    assert found == ended
