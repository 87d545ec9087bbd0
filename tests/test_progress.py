"""Progress is a bar on a terminal, and a line now and then where there is none."""

from __future__ import annotations

import io

import pytest

import fixtures.progress
from fixtures.progress import JobProgress


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which progress is told."""
    one = Clock()
    monkeypatch.setattr(fixtures.progress, "time", one)
    return one


def test_no_terminal_has_a_line_now_and_then(clock: Clock) -> None:
    """Without a terminal nothing is written for half a minute, then one line."""
    file = io.StringIO()
    progress = JobProgress("serving-batch", 40, file)
    for _ in range(10):
        clock.now_s += 2.9
        progress.job_ended(None)
    assert file.getvalue() == ""
    for _ in range(3):
        clock.now_s += 2.9
        progress.job_ended(None)
    assert file.getvalue().split("\n") == ["", "serving-batch: 11 of 40 jobs"]


def test_lines_go_on(clock: Clock) -> None:
    """Every half minute has its line, until the last job."""
    file = io.StringIO()
    progress = JobProgress("serving-batch", 400, file)
    for _ in range(100):
        clock.now_s += 1.0
        progress.job_ended(None)
    progress.stop()
    counts = [line.split()[1] for line in file.getvalue().split("\n")[1:]]
    assert counts == ["30", "60", "90"]


def test_terminal_has_a_bar_that_goes() -> None:
    """On a terminal the bar shows name and jobs, and leaves no line behind."""
    file = Terminal()
    progress = JobProgress("serving-batch", 3, file)
    for _ in range(3):
        progress.job_ended(None)
    progress.stop()
    shown = file.getvalue()
    assert "serving-batch" in shown
    assert "3/3" in shown
    erase_line = "\x1b[2K"
    assert shown.endswith(erase_line)
