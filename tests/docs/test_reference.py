"""docs/reference.md is up to date and complete, and the commands that it gives work."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.options import add_options
from tests.docs.pages import commands, pages, section, text_of
from tests.support.suite import ROOT, fresh_suite

REFERENCE = text_of("docs/reference.md")
_LONGEST_S = 120
# Set by the suite itself, for the processes that it starts.
_INTERNAL = {
    "EXTRA_INFO",
    "OMP_NUM_THREADS",
    "ORT_DISABLE_TELEMETRY",
    "PREPROCESS_THREADS",
    "PYTEST_ADDOPTS",
    "PYTHONPATH",
    "RAY_AUTH_TOKEN",
    "SERVING_PERF_LOSS",
}


def test_the_generated_parts_are_up_to_date() -> None:
    """`python docs/generate.py` would change nothing."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow(reason="runs the generator three times")
def test_the_check_finds_what_is_stale(tmp_path: Path) -> None:
    """A table that was changed by hand is found, and written anew without `--check`."""
    for name in ("docs", "fixtures", "perf", "serving", "tox.ini"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs").unlink()
    (tmp_path / "docs").mkdir()
    script = tmp_path / "docs" / "generate.py"
    script.write_text(text_of("docs/generate.py"), "utf-8")
    page = tmp_path / "docs" / "reference.md"
    page.write_text(REFERENCE.replace("| `--perf-seed N` |", "| `--perf-sed N` |"), "utf-8")

    def code(*arguments: str) -> int:
        command = [sys.executable, str(script), *arguments]
        done = subprocess.run(command, timeout=_LONGEST_S, check=False, capture_output=True)
        return done.returncode

    assert [code("--check"), code(), code("--check")] == [1, 0, 0]
    assert page.read_text("utf-8") == REFERENCE


def test_the_options_are_those_that_exist() -> None:
    """The table names every option of the suite; no page names one that does not exist."""
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    (group,) = [g for g in parser._groups if g.name == "serving performance"]
    exist = {name for option in group.options for name in option.names()}
    table = section(REFERENCE, "Options").partition("<!-- begin options -->")[2]
    assert set(re.findall(r"--perf-[a-z-]+", table)) == exist
    for page in pages():
        named = set(re.findall(r"--perf-[a-z]+(?:-[a-z]+)*", page.read_text("utf-8")))
        assert named <= exist, page


@pytest.mark.slow(reason="starts pytest")
@pytest.mark.parametrize("command", commands(REFERENCE, "pytest perf"), ids=" ".join)
def test_pytest_commands_are_accepted(command: list[str], tmp_path: Path) -> None:
    """Each command is accepted as it is written, and finds benchmarks to run."""
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


@pytest.mark.slow(reason="runs the suite")
def test_the_comparison_runs() -> None:
    """`pytest perf --benchmark-compare` measures, with whatever baselines there are."""
    assert ["pytest", "perf", "--benchmark-compare"] in commands(REFERENCE, "pytest perf")
    with fresh_suite() as suite:
        run = suite.run("--benchmark-compare", "-k", "serving-single", "--perf-pairs", "2")
        assert run.code == 0, run.output
        assert run.row("serving-single")["verdict"] == "no baseline"


def test_every_variable_that_is_read_is_named() -> None:
    """The table of variables has all that the code reads and all that tox passes on."""
    table = section(REFERENCE, "Environment variables")
    named = set(re.findall(r"`([A-Z_]+)\*?`", table))
    read = set()
    for folder in ("perf", "serving", "fixtures", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            pattern = r'environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)"'
            read |= set(re.findall(pattern, path.read_text("utf-8")))
    assert {"PERF_CACHE", "GITHUB_STEP_SUMMARY"} <= read
    assert read - _INTERNAL <= named
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini", encoding="utf-8")
    for passed in config["testenv"]["pass_env"].split():
        start = passed.rstrip("*")
        assert any(n == passed or (start != passed and n.startswith(start)) for n in named)
