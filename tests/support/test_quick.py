"""Quick tests are marked as such, are most of the tests, and start nothing slow."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from types import SimpleNamespace
from typing import cast

import pytest

from tests.support.quick import DOORS, SLOW_FIXTURES, mark
from tests.support.suite import ROOT

_LONGEST_S = 120
# What these folders test needs only numbers and files.
_PURE = ("perf/config", "perf/judge", "perf/report", "perf/stats")


@pytest.fixture(scope="module")
def refused() -> list[str]:
    """What a fixture of a quick test was refused, though it is set up before the test."""
    told = []
    for owner, name in DOORS.values():
        with pytest.raises(pytest.fail.Exception) as caught:
            getattr(owner, name)()
        told.append(str(caught.value))
    return told


@pytest.mark.parametrize("deed", DOORS)
def test_a_quick_test_is_refused_what_is_slow(deed: str, refused: list[str]) -> None:
    """Both the test and its fixtures fail, and the message says what to do."""
    owner, name = DOORS[deed]
    with pytest.raises(pytest.fail.Exception, match=f"must not {deed}: mark it slow"):
        getattr(owner, name)()
    assert any(f"must not {deed}" in message for message in refused)


def test_slow_needs_a_reason(request: pytest.FixtureRequest) -> None:
    """A test that somebody marks as slow says why."""

    def marked(marker: pytest.MarkDecorator) -> pytest.Item:
        item = SimpleNamespace(
            path=request.path, nodeid="it", get_closest_marker=lambda _: marker.mark
        )
        return cast("pytest.Item", item)

    mark([marked(pytest.mark.slow(reason="starts a server"))])
    with pytest.raises(pytest.UsageError, match="it: slow needs a reason"):
        mark([marked(pytest.mark.slow)])


def _told(*arguments: str) -> list[str]:
    """Return what pytest prints of all tests, and runs none."""
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=True,
    )
    return done.stdout.splitlines()


def _collected(*arguments: str) -> Counter[str]:
    """Return how many tests of each folder pytest finds; "" stands for all folders."""
    tests = [line for line in _told("--collect-only", *arguments) if "::" in line]
    folders = (test.removeprefix("tests/").rpartition("/test_")[0] for test in tests)
    return Counter(folders) + Counter({"": len(tests)})


@pytest.mark.slow(reason="starts pytest three times")
def test_most_tests_are_quick() -> None:
    """More than half of all are, and nine in ten of those that need numbers alone.

    Every test is either quick or slow.
    """
    everything, quick = _collected(), _collected("-m", "quick")
    assert quick + _collected("-m", "slow") == everything
    assert quick[""] > 0.5 * everything[""]
    for folder in _PURE:
        assert quick[folder] > 0.9 * everything[folder] > 0, folder


@pytest.mark.slow(reason="starts pytest")
def test_every_slow_fixture_exists() -> None:
    """A fixture that was renamed is found, for its tests would become quick."""
    fixtures = {line.split()[0] for line in _told("--fixtures") if " -- tests/" in line}
    assert fixtures >= SLOW_FIXTURES
