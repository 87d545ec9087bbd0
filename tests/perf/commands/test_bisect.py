"""The command for `git bisect run`: its exit code for each verdict."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from perf.commands.bisect import ABORT, SKIP, _other_names, exit_code, main
from perf.stats import Verdict

ROOT = Path(__file__).parents[3]


def head() -> str:
    """Return the commit of this tree."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def summary(folder: Path, verdict: str, name: str = "serving-batch") -> Path:
    """Write a summary with one scenario, and return its path."""
    path = folder / "summary.json"
    row = {"name": name, "verdict": verdict, "reason": "because"}
    path.write_text(json.dumps({"scenarios": [row]}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.UNCHANGED, 0),
        (Verdict.IMPROVED, 0),
        (Verdict.REGRESSED, 1),
        (Verdict.INCONCLUSIVE, 125),
        (Verdict.NO_BASELINE, 125),
        (Verdict.INVALID, 125),
    ],
)
def test_every_verdict_has_a_code(tmp_path: Path, verdict: Verdict, code: int) -> None:
    """Good is 0, bad is 1, and every other verdict skips the commit."""
    found, why = exit_code(summary(tmp_path, verdict), "serving-batch")
    assert found == code
    assert why == f"{verdict}. because"


def test_a_run_without_a_summary_is_skipped(tmp_path: Path) -> None:
    """A commit that could not be built, or whose run ended early, is skipped."""
    assert exit_code(tmp_path / "summary.json", "serving-batch")[0] == SKIP
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    assert exit_code(tmp_path / "broken.json", "serving-batch")[0] == SKIP
    other = summary(tmp_path, Verdict.UNCHANGED, name="serving-single")
    assert exit_code(other, "serving-batch")[0] == SKIP
    row = {"name": "serving-batch"}
    other.write_text(json.dumps({"scenarios": [row]}), encoding="utf-8")
    assert exit_code(other, "serving-batch")[0] == SKIP


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serving-batch"],
        ["serving-batch", ""],
        ["serving-batch", "--perf-profile", "smoke"],
    ],
)
def test_the_scenario_and_the_good_commit_come_first(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without both, one line shows the usage, and the code ends the bisection."""
    assert main(arguments) == ABORT
    assert capsys.readouterr().err == (
        "usage: tox -e bisect -- SCENARIO GOOD [pytest's options]\n"
    )


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run fail the test."""

    def run(command: list[str], _: Path) -> int:
        pytest.fail(f"{command} was run")

    monkeypatch.setattr("perf.commands.bisect.run_to_end", run)


def test_git_ends_the_bisection_at_the_code_for_wrong_use() -> None:
    """It takes 1 to 127 for a verdict on the commit, so the code is above them."""
    assert ABORT > 127


@pytest.mark.usefixtures("nothing_runs")
def test_a_missing_tox_ends_the_bisection(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No commit could be measured, so none is skipped; one line names tox."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["serving-batch", "HEAD"]) == ABORT
    assert "tox is missing" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_runs")
def test_an_unknown_good_commit_ends_the_bisection(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is as unknown at every other step; one line names it."""
    assert main(["serving-batch", "no-such-commit"]) == ABORT
    assert "no-such-commit: git knows no such commit" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("good", ["HEAD", "HEAD~2", "@", "@~1"])
def test_a_good_commit_that_moves_ends_the_bisection(
    good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At each step it would be another commit."""
    assert main(["serving-batch", good]) == ABORT
    assert f"bisect: {good}: HEAD moves in a bisection" in capsys.readouterr().err


def test_the_summary_is_read_where_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder for the reports would skip every commit: the last option wins."""
    commands: list[list[str]] = []
    monkeypatch.setattr(
        "perf.commands.bisect.run_to_end", lambda command, _: commands.append(command)
    )
    assert main(["serving-batch", head(), "--perf-reports", "mine"]) == SKIP
    assert commands[0][-2] == "--perf-reports"
    assert commands[0][-1] != "mine"


@pytest.mark.usefixtures("nothing_runs")
def test_a_misspelt_scenario_ends_the_bisection(capsys: pytest.CaptureFixture[str]) -> None:
    """No commit would measure it; one line names it, and those that there are."""
    assert main(["serving-bacth", head()]) == ABORT
    said = capsys.readouterr().err
    assert said.startswith(f"bisect: serving-bacth: no such scenario in {head()}; it has ")
    assert "serving-batch" in said


def test_a_commit_without_a_readable_table_is_measured() -> None:
    """Whether it can take part, its run says: the first commit had another table."""
    assert _other_names("no-such-commit", "serving-batch") == ""
    assert _other_names("HEAD", "serving-batch") == ""


@pytest.mark.usefixtures("nothing_runs")
def test_an_unusable_temporary_folder_ends_the_bisection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of the system is no verdict on the commit; one line tells it."""
    commit = head()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert main(["serving-batch", commit]) == ABORT
    assert f"bisect: TMPDIR {tmp_path / 'gone'}: " in capsys.readouterr().err


def test_it_needs_only_the_standard_library() -> None:
    """It starts without any installed package."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "perf.commands.bisect"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ABORT
    assert done.stderr.startswith("usage: ")
