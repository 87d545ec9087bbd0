"""docs/first-hour.md works as it is typed, from the first command to the last."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import text_of
from tests.support.suite import ROOT, Suite, fresh_suite

PAGE = text_of("docs/first-hour.md")
_LONGEST_S = 900
_NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "recordings", "reports", "baselines"
)
# A small model, and as little time as lets a run be judged. Everything else is as typed.
# With a tiny model a block can be too short for the pace on a fast machine.
_SMALL = "--perf-budget 0.4 -p no:cacheprovider"
# The page's small run has all rows; .ci/run makes such runs, with both runtimes.
_ONE_ROW = "--perf-scenario serving-batch"
_LAUNCHES = ("LAUNCHES = 10", "LAUNCHES = 3")  # of a baseline, in the clone
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "tests"), ("EMAIL", "tests@example.org"))
}


class Typed(NamedTuple):
    """What a reader types at once, and the exit code that the page promises."""

    text: str
    code: int


def typed() -> list[Typed]:
    """Return all that the page gives to type, in order."""
    blocks = re.findall(
        r"^```sh(?: exit=(\d+))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )
    return [Typed(text, int(code or 0)) for code, text in blocks]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the files of this tree; a baseline there has fewer launches."""
    root = tmp_path / "clone"
    shutil.copytree(ROOT, root, ignore=_NOT_COPIED)
    shutil.copy(ROOT / ".gitignore", root)
    rebaseline = root / "perf" / "commands" / "rebaseline.py"
    text = rebaseline.read_text("utf-8")
    assert text.count(_LAUNCHES[0]) == 1
    rebaseline.write_text(text.replace(*_LAUNCHES), "utf-8")
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "all"],
    ):
        subprocess.run(
            ["git", "-C", str(root), *words],  # noqa: S607 -- the git that the user has
            env={**os.environ, **_WHO},
            check=True,
        )
    return root


@pytest.fixture
def suite(clone: Path) -> Iterator[Suite]:
    """A folder for runs of the clone; at the end nothing of them may be left."""
    with fresh_suite(clone) as made:
        yield made


def environment(suite: Suite) -> dict[str, str]:
    """Return the environment of a shell in which `tox` installs nothing."""
    programs = suite.folder / "bin"
    programs.mkdir()
    tox = programs / "tox"
    stand_in = f"{sys.executable} -m tests.support.typed_tox {suite.root}"
    tox.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}:$PYTHONPATH" exec {stand_in} "$@"\n')
    tox.chmod(0o755)
    ours = suite.environment({})
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), ours["PATH"]))
    options = f"{_SMALL} --perf-model resnet18 --perf-runtime process {_ONE_ROW}"
    return {**ours, **_WHO, "PATH": path, "PYTEST_ADDOPTS": options}


@pytest.mark.slow(reason="types a whole hour, with a small model")
def test_the_hour_works_as_it_is_typed(suite: Suite) -> None:
    """Every command ends with the code that the page promises, the red one with 1."""
    env, verdicts = environment(suite), []
    for one in typed():
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", one.text],  # noqa: S607 -- the user's shell
            cwd=suite.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        output = f"$ {one.text}\n{done.stdout}{done.stderr}"
        assert done.returncode == one.code, output
        assert "Traceback" not in output
        if "tox -e serving-batch" in one.text:
            rows = [x for x in done.stdout.splitlines() if x.startswith("serving-batch  ")]
            verdicts.append(rows[0].split()[-1])
            assert "side by side counts" in done.stdout, output
    first, red, green = verdicts
    assert red == "regressed"
    assert {first, green} <= {"unchanged", "inconclusive", "improved"}


def test_the_steps_are_in_order() -> None:
    """Doctor, a small run, a baseline, a verdict, a red one made on purpose, and green."""
    lines = [line for one in typed() for line in one.text.splitlines()]
    starts = ("tox", "git", "python3", "cat")
    assert [line for line in lines if line.startswith(starts)] == [
        "python3 -m pip install tox",
        "tox -e doctor",
        "tox -e perf -- --perf-profile smoke",
        "tox -e rebaseline -- --perf-scenario serving-batch",
        "tox -e rebaseline -- --write first",
        "git add baselines",
        'git commit -m "Add a baseline of this machine"',
        "tox -e serving-batch",
        "cat >> serving/model/standalone/handler.py <<'END'",
        "tox -e serving-batch",
        "git checkout serving/model/standalone/handler.py",
        "tox -e serving-batch",
    ]
    assert [one.code for one in typed()].count(1) == 1
