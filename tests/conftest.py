"""What all tests share: their markers, the cache of models, and the check for leftovers."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import platformdirs
import psutil
import pytest

from serving.model.artifacts import Artifacts, ensure_artifacts
from serving.model.choice import ModelChoice, photographs
from tests.support import quick
from tests.support.leftovers import Place, leaving_nothing, own_place

_LONGEST = ("tests/docs/", "tests/suite/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as quick or slow, before `-m` chooses among them.

    The files that take longest come first: with two at a time, one that begins last would
    end long after all others.
    """
    quick.mark(items)
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Guard a quick test, and all fixtures that it sets up."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("quick"):
            quick.guard(patch)
        return (yield)


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where models are kept, from one run of the tests to the next."""
    folder = os.environ.get("PERF_CACHE")
    return Path(folder or platformdirs.user_cache_dir("serving-perf")).resolve()


@pytest.fixture(scope="session")
def artifacts(cache: Path) -> Callable[[str], Artifacts]:
    """Return the artifacts of a model by name, with predictions for all photographs."""

    @functools.cache
    def make(model: str) -> Artifacts:
        choice = ModelChoice.parse(model, "seeded")
        return ensure_artifacts(choice, photographs(), cache)

    return make


@pytest.fixture(scope="session", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give the tests a place of their own."""
    tmp_path_factory.getbasetemp()  # stays in the machine's temporary folder
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell sets this for what it runs in the background; children would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with own_place() as made, pytest.MonkeyPatch.context() as patch:
        # With this variable pytest-benchmark would refuse to measure in the tested runs.
        patch.delenv("PYTEST_XDIST_WORKER", raising=False)
        yield made


@pytest.fixture(autouse=True)
def nothing_left(place: Place) -> Iterator[None]:
    """Assert that a test leaves no process, container, socket or temporary folder."""
    with leaving_nothing(place):
        yield


@pytest.fixture(scope="module", autouse=True)
def nothing_left_by_module(place: Place) -> Iterator[None]:
    """Assert the same for what the tests of a module share."""
    with leaving_nothing(place):
        yield


@pytest.fixture
def other_run() -> Iterator[str]:
    """Return the label of another run that is alive, so nobody may end its processes."""
    stand_in = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield f"{stand_in.pid}-{stand_in.create_time():.2f}"
    stand_in.kill()
    stand_in.communicate()
