"""The README's promises are kept: its commands run, its options and its row exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.options import add_options
from perf.stats import Verdict
from tests.support.suite import ROOT, fresh_suite

README = (ROOT / "README.md").read_text("utf-8")
_LONGEST_S = 120
_TOX = [sys.executable, "-m", "tox"]


def commands(start: str) -> list[list[str]]:
    """Return every command of the README that begins so, in blocks and in tables."""
    blocks = re.findall(r"^    (\S.*)$", README, re.MULTILINE)
    tables = re.findall(r"^\| `([^`]+)` \|", README, re.MULTILINE)
    lines = [part for line in (*blocks, *tables) for part in line.split(" && ")]
    lines = [line.removeprefix("python3 -m ") for line in lines]
    return [shlex.split(line) for line in lines if line.startswith(start)]


def tox(*arguments: str, folder: Path = ROOT) -> str:
    """Return what tox prints."""
    done = subprocess.run(
        [*_TOX, "-c", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_two_commands_come_first() -> None:
    """The main job stands before the tests, and both before everything else."""
    blocks = re.findall(r"^    (\S.*)$", README, re.MULTILINE)
    assert blocks[0] == "python3 -m pip install tox && python3 -m tox -e perf"
    assert blocks[1] == "python3 -m pip install tox && python3 -m tox -e tests"


def test_every_environment_that_is_named_exists() -> None:
    """Each environment of the README is one that tox knows, and runs what is here."""
    named = {command[2] for command in commands("tox -e")}
    assert {"perf", "tests", "serving-batch"} <= named
    listed = tox("list", "--no-desc", "-q").split()
    assert named <= set(listed)
    config = tox("config", "-e", ",".join(named), "-k", "commands")
    runs = dict(re.findall(r"\[testenv:(.+)\]\ncommands = (.+)", config))
    for name in named:
        module = re.fullmatch(r"python -m (perf\.[\w.]+)", runs[name])
        if module:
            assert importlib.util.find_spec(module[1]), name
        else:
            assert "pytest" in runs[name] or f"--perf-scenario {name}" in runs[name]


@pytest.mark.parametrize("command", commands("pytest perf"), ids=" ".join)
def test_pytest_commands_are_accepted(command: list[str], tmp_path: Path) -> None:
    """Each command is taken by pytest as it is written, and finds benchmarks to run."""
    done = subprocess.run(
        [sys.executable, "-m", *command, "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_throughput[serving-batch]" in done.stdout or "--help" in command
    assert not list(tmp_path.iterdir())


def test_the_options_are_those_that_exist() -> None:
    """The table names every option of the suite, and none besides."""
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    (group,) = [g for g in parser._groups if g.name == "serving performance"]
    exist = {name for option in group.options for name in option.names()}
    table = README.partition("## Options")[2].partition("\n## ")[0]
    assert set(re.findall(r"--perf-[a-z-]+", table)) == exist


def test_the_verdicts_are_those_that_exist() -> None:
    """The table of verdicts names each of them once."""
    table = README.partition("## How to read a red result")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z ]+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(str(verdict) for verdict in Verdict)


def test_one_new_row_has_its_benchmark_and_its_environment(tmp_path: Path) -> None:
    """The README's row, added to a copy of the table, is all that a scenario needs."""
    row = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert row
    for name in ("perf", "serving", "fixtures"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml", "tox.ini", "toxfile.py"):
        shutil.copy(ROOT / name, tmp_path)
    with (tmp_path / "perf" / "scenarios.toml").open("a", encoding="utf-8") as table:
        table.write("\n" + row[1])
    assert "serving-batch-16" in tox("list", "--no-desc", "-q", folder=tmp_path).split()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "perf", "--collect-only", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert "test_throughput[serving-batch-16]" in done.stdout, done.stdout + done.stderr


def test_the_comparison_runs() -> None:
    """`pytest perf --benchmark-compare` measures, with whatever baselines there are."""
    assert ["pytest", "perf", "--benchmark-compare"] in commands("pytest perf")
    with fresh_suite() as suite:
        run = suite.run("--benchmark-compare", "-k", "serving-single", "--perf-pairs", "2")
        assert run.code == 0, run.output
        assert run.row("serving-single")["verdict"] == "no baseline"
