"""The versions of Python that pyproject.toml allows are those that are tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def minors() -> list[int]:
    """Return what follows `3.` in each version that is allowed."""
    allowed = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"])
    assert allowed
    return list(range(int(allowed[1]), int(allowed[2])))


def test_the_oldest_is_what_tools_check() -> None:
    """Ruff and mypy hold the code to the oldest version, and CI measures with it."""
    oldest = minors()[0]
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{oldest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == f"3.{oldest}"
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        given = re.findall(r'python-version: "(.*)"', workflow.read_text("utf-8"))
        assert set(given) == {f"3.{oldest}"}, workflow.name


def test_every_newer_one_runs_the_quick_tests() -> None:
    """Each has an environment of tox, and CI runs it."""
    newer = minors()[1:]
    tox = (ROOT / "tox.ini").read_text("utf-8")
    named = re.findall(r"\[testenv:quick-py3(\d+)\]", tox)
    assert named == [str(minor) for minor in newer]
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    run = re.findall(r'- python: "3\.(\d+)"\n +environment: quick-py3(\d+)\n', ci)
    assert run == [(str(minor), str(minor)) for minor in newer]
