"""The command that measures limits: which rows, and how much of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from perf.commands.limits import ROWS, main
from perf.config.table import Table


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of the command that is run; it ends with exit code 3."""
    seen: list[str] = []

    def run(words: Sequence[str], _: Path) -> int:
        seen.extend(words)
        return 3

    monkeypatch.setattr("perf.commands.limits.run_to_end", run)
    return seen


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--perf-runtime=process"], [",".join(ROWS)]),
        (["--perf-scenario", "serving-single"], ["serving-single"]),
        (["--perf-family=servers"], []),
    ],
)
def test_rows_that_are_asked_for_replace_the_usual_ones(
    options: list[str], rows: list[str], command: list[str]
) -> None:
    """The options come last, and the exit code is that of the run."""
    assert main(options) == 3
    assert command[-len(options) :] == options
    assert "--perf-limits" in command
    named = pairwise(command)
    assert [value for word, value in named if word == "--perf-scenario"] == rows


def test_the_usual_rows_exist() -> None:
    """Each has a server: without one a row has no limits."""
    table = Table.read()
    assert all(table.find(name).kind.served for name in ROWS)
