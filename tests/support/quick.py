"""Which tests are quick, and a guard that keeps them so.

A test is `slow` if it needs a model, a server, a container or a whole run of the suite.
All others are `quick`. The marker follows from where a test lies and which fixtures it
uses, so nobody has to remember it. A test that starts such things by itself says so:
`@pytest.mark.slow(reason="...")`. The guard finds those that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from perf.machine import yardstick
from serving.model import cache
from serving.runtimes.docker import DockerRuntime
from serving.runtimes.process import ProcessRuntime
from tests.support.suite import Suite

_TESTS = Path(__file__).parents[1]
_WHOLE_RUNS = _TESTS / "suite"
# They make models, keep them in the cache, or ask for the Docker engine.
SLOW_FIXTURES = frozenset({"artifacts", "cache", "engine", "models"})
# What a quick test must not do, and where all code that does it passes through.
DOORS: dict[str, tuple[object, str]] = {
    "start a server": (ProcessRuntime, "launch"),
    "start a container": (DockerRuntime, "launch"),
    "make a model": (cache, "Child"),
    "load a model": (yardstick, "Child"),
    "run the suite": (Suite, "start"),
    "ask the suite to refuse": (Suite, "refused"),
}


def mark(items: Iterable[pytest.Item]) -> None:
    """Give each test of this folder one of the two markers; raises UsageError."""
    for item in items:
        if item.path.is_relative_to(_TESTS) and not _is_slow(item):
            item.add_marker("quick")


def _is_slow(item: pytest.Item) -> bool:
    """Return whether a test is slow, and see to it that it is marked so."""
    if given := item.get_closest_marker("slow"):
        if not given.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: slow needs a reason")
        return True
    used = SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if used or item.path.is_relative_to(_WHOLE_RUNS):
        item.add_marker("slow")
        return True
    return False


def guard(patch: pytest.MonkeyPatch) -> None:
    """Let every attempt to do something slow fail the test, as long as `patch` holds."""
    for deed, (owner, name) in DOORS.items():
        patch.setattr(owner, name, _refusing(deed))


def _refusing(deed: str) -> Callable[..., None]:
    def refuse(*_arguments: object, **_options: object) -> None:
        pytest.fail(f"a quick test must not {deed}: mark it slow, with the reason")

    return refuse
