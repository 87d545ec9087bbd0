"""The proof that a test leaves nothing behind.

The tests have a temporary folder of their own, and all that they start inherits a mark in
its environment. So the proof can tell what a test left from what other programs, another
run of the tests among them, do on the same machine at the same time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import docker
import psutil
import pytest

from perf.machine.lock import is_alive, session_name
from serving.errors import ConfigError
from serving.runtimes.base import SESSION_LABEL, SESSION_VARIABLE
from serving.runtimes.container import connect

_MARK = "SERVING_PERF_TESTS"
_PATIENCE_S = 10.0
_POLL_S = 0.05
ENGINE_TIMEOUT_S = 3
# The cache of torch, and the folders that pytest keeps of its last runs.
MAY_STAY = ("torchinductor_*", "pytest-of-*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tests work: a temporary folder, a mark, and the Docker engine if any."""

    folder: Path
    mark: str
    docker_engine: docker.DockerClient | None

    def things(self) -> dict[str, str]:
        """Return the files, containers, sockets and processes of the tests at this moment.

        Each has its name as a key, and more about it, or nothing, as its value.
        """
        here = {str(path): "" for path in self.folder.iterdir() if not may_stay(path)}
        here |= dict.fromkeys(self._containers(), "")
        for connection in psutil.Process().net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                here[f"socket {connection.laddr}"] = ""
        for process in (*self.marked(), *psutil.Process().children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                # A process id may be used again, and a command changes with each exec.
                name = f"process {process.pid} of {process.create_time()}"
                here[name] = _command(process)
        return here

    def marked(self) -> Iterator[psutil.Process]:
        """Yield every process with our mark or session, whoever its parent is."""
        ours = {
            f"{_MARK}={self.mark}".encode(),
            f"{SESSION_VARIABLE}={session_name()}".encode(),
        }
        for pid in psutil.pids():
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                # This runs around every test: psutil would take three times as long.
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if pid != os.getpid() and not ours.isdisjoint(environment):
                    yield psutil.Process(pid)

    def _containers(self) -> set[str]:
        """Return the containers of this session, and of runs that ended without them."""
        if self.docker_engine is None:
            return set()
        labelled = self.docker_engine.api.containers(
            all=True, filters={"label": SESSION_LABEL}
        )
        return {
            f"container {container['Names'][0]}"
            for container in labelled
            if container["Labels"][SESSION_LABEL] == session_name()
            or not is_alive(container["Labels"][SESSION_LABEL])
        }


def may_stay(path: Path) -> bool:
    """Return whether a file of the temporary folder is no leftover."""
    return any(fnmatch(path.name, pattern) for pattern in MAY_STAY)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextlib.contextmanager
def own_place() -> Iterator[Place]:
    """Give this process, and all that it starts, a place; end what is still there."""
    with contextlib.ExitStack() as stack:
        # A short path: it holds Unix sockets.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sp-"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv(_MARK, uuid.uuid4().hex)
        engine = None
        with contextlib.suppress(ConfigError):
            engine = stack.enter_context(contextlib.closing(connect(ENGINE_TIMEOUT_S)))
        place = Place(Path(folder), os.environ[_MARK], engine)
        yield place
        for process in place.marked():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def leaving_nothing(place: Place) -> Iterator[None]:
    """Assert that all that is there at the end was there at the start."""
    before = place.things()
    yield
    # A process that was just killed may need a moment to be gone.
    deadline_s = time.monotonic() + _PATIENCE_S
    while left := {k: v for k, v in place.things().items() if k not in before}:
        assert time.monotonic() < deadline_s, f"left behind: {left}"
        time.sleep(_POLL_S)
