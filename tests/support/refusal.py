"""What a run says that refuses to start."""

from __future__ import annotations

from tests.support.suite import Run

USAGE_ERROR = 4
DEAD_ENGINE = "unix:///nonexistent/docker.sock"
"""An address at which no Docker engine answers."""


def assert_refused(run: Run, *words: str) -> None:
    """Assert a usage error of one line with all of `words` in it."""
    assert run.code == USAGE_ERROR, run.output
    (line,) = run.output.strip().splitlines()
    assert line.startswith("ERROR: ")
    assert line.count("ERROR") == 1
    for word in words:
        assert word in line
