"""Processes for the tests of perf/machine/."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.commanded import CommandedProcess


@pytest.fixture
def start() -> Iterator[Callable[[], CommandedProcess]]:
    """A function that starts a process; all of them end with the test."""
    started: list[CommandedProcess] = []

    def start_one() -> CommandedProcess:
        started.append(CommandedProcess())
        return started[-1]

    yield start_one
    for process in started:
        process.end()
