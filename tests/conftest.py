"""What all tests share: the cache of models, and the proof that nothing is left behind.

The tests get a temporary folder of their own, and everything that they start inherits a
mark in its environment. So what is left can be told from what other programs, other runs
of the suite among them, do on the same machine at the same time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import docker
import platformdirs
import psutil
import pytest

from perf.machine.lock import is_alive, session_name
from serving.errors import ConfigError
from serving.model.artifacts import Artifacts, ensure_artifacts
from serving.model.choice import ModelChoice, photographs
from serving.runtimes.base import SESSION_LABEL, SESSION_VARIABLE
from serving.runtimes.container import connect

_MARK = "SERVING_PERF_TESTS"
_PATIENCE_S = 10.0
_POLL_S = 0.05
_ENGINE_S = 3
# The run lock's file, whose removal would let two runs hold two locks; torch's own cache;
# the folders that pytest keeps of its last runs.
_MAY_STAY = ("serving-perf.lock", "torchinductor_*", "pytest-of-*")


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where models are kept, from one test run to the next."""
    folder = os.environ.get("PERF_CACHE")
    return Path(folder or platformdirs.user_cache_dir("serving-perf")).resolve()


@pytest.fixture(scope="session")
def artifacts(cache: Path) -> Callable[[str], Artifacts]:
    """Return the artifacts of a model by name, with predictions of all photographs."""

    @functools.cache
    def make(model: str) -> Artifacts:
        choice = ModelChoice.parse(model, "seeded")
        return ensure_artifacts(choice, photographs(), cache)

    return make


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tests work: their temporary folder, their mark, and the engine if any."""

    folder: Path
    mark: str
    engine: docker.DockerClient | None

    def things(self) -> dict[str, str]:
        """Return what of ours is there now: what each thing is, and more in words."""
        here = {str(path): "" for path in self.folder.iterdir() if not _may_stay(path)}
        here |= dict.fromkeys(self._containers(), "")
        for connection in psutil.Process().net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                here[f"socket {connection.laddr}"] = ""
        for process in (*self.marked(), *psutil.Process().children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                # A number may be given anew, and a command changes with each exec.
                name = f"process {process.pid} of {process.create_time()}"
                here[name] = _command(process)
        return here

    def marked(self) -> Iterator[psutil.Process]:
        """Yield every process that carries our mark or session, whoever its parent is."""
        session = session_name()
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except (OSError, psutil.Error):
                continue
            ours = environment.get(_MARK) == self.mark
            if (ours or environment.get(SESSION_VARIABLE) == session) and (
                process.pid != os.getpid()
            ):
                yield process

    def _containers(self) -> set[str]:
        """Return containers with our label, and those of runs that ended without them."""
        if self.engine is None:
            return set()
        labelled = self.engine.api.containers(all=True, filters={"label": SESSION_LABEL})
        return {
            f"container {container['Names'][0]}"
            for container in labelled
            if container["Labels"][SESSION_LABEL] == session_name()
            or not is_alive(container["Labels"][SESSION_LABEL])
        }


def _may_stay(path: Path) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in _MAY_STAY)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(scope="session", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give the tests a place of their own; end what is still there when all are done."""
    tmp_path_factory.getbasetemp()  # stays in the machine's temporary folder
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell gives it to what it runs in the background; children would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        # A short path: sockets lie in it.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sp-"))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv(_MARK, uuid.uuid4().hex)
        # By this pytest-benchmark would refuse to measure in the runs that are tested.
        patch.delenv("PYTEST_XDIST_WORKER", raising=False)
        engine = None
        with contextlib.suppress(ConfigError):
            engine = stack.enter_context(contextlib.closing(connect(_ENGINE_S)))
        made = Place(Path(folder), os.environ[_MARK], engine)
        yield made
        for process in made.marked():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def leaving_nothing(place: Place) -> Iterator[None]:
    """Assert that what there is on the way out was there on the way in."""
    before = place.things()
    yield
    # What was just killed may take a moment to be gone.
    deadline_s = time.monotonic() + _PATIENCE_S
    while left := {k: v for k, v in place.things().items() if k not in before}:
        assert time.monotonic() < deadline_s, f"left behind: {left}"
        time.sleep(_POLL_S)


@pytest.fixture(autouse=True)
def nothing_left(place: Place) -> Iterator[None]:
    """Assert that a test leaves no process, container, socket or temporary folder."""
    with leaving_nothing(place):
        yield


@pytest.fixture
def other_run() -> Iterator[str]:
    """Return the label of a run that is alive, so that nobody reaps it, and not ours."""
    stand_in = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield f"{stand_in.pid}-{stand_in.create_time():.2f}"
    stand_in.kill()
    stand_in.communicate()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_by_module(place: Place) -> Iterator[None]:
    """Assert the same of what the tests of a module share."""
    with leaving_nothing(place):
        yield
