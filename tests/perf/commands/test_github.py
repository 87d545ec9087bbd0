"""The command that tells GitHub of a result: its usage, its exit codes, its messages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.commands.github import main
from perf.github import baseline, comment
from perf.judge.stored import EXTRA
from perf.stats import Verdict
from tests.perf.commands.test_rebaseline import launches
from tests.perf.github.written import HEAD, RUN, compared, leave, measured_pull, summary_of
from tests.support.fake_github import TOKEN, FakeGitHub, fake_github
from tests.support.fakes import entry, write_baseline
from tests.support.github_state import REPOSITORY, Fault, archive_of

RED = compared("serving-batch", Verdict.REGRESSED, 0.9)
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A fake of GitHub with an empty repository."""
    with fake_github() as server:
        yield server


@pytest.fixture
def environ(github: FakeGitHub, tmp_path: Path) -> dict[str, str]:
    """The environment of a job that runs after the pull request 5 was measured."""
    event = tmp_path / "event.json"
    run = measured_pull(github).model_dump()
    event.write_text(json.dumps({"workflow_run": run}), encoding="utf-8")
    return {
        "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF_NAME": "main",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": str(RUN),
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_SHA": HEAD,
        "GITHUB_TOKEN": TOKEN,
    }


def test_a_pull_request_is_commented(
    github: FakeGitHub, environ: dict[str, str], capsys: Captured
) -> None:
    """One line says where the comment is."""
    leave(github, comment.ARTIFACT, summary_of(RED))
    assert main(["comment"], environ) == 0
    assert capsys.readouterr().out.startswith("commented: https://github.example/")
    assert len(github.comments) == 1


def test_a_damaged_artifact_is_one_line(
    github: FakeGitHub, environ: dict[str, str], capsys: Captured
) -> None:
    """The job fails, and nothing is written."""
    leave(github, comment.ARTIFACT, b"{")
    assert main(["comment"], environ) == 1
    error = capsys.readouterr().err
    assert error.startswith("ERROR: summary.json is no JSON: ")
    assert error.count("\n") == 1
    assert github.wrote() == []


def test_an_event_of_another_kind_is_refused(
    environ: dict[str, str], tmp_path: Path, capsys: Captured
) -> None:
    """So is one that is missing."""
    event = tmp_path / "event.json"
    for text in ("{", "{}", '{"workflow_run": {"id": "x"}}'):
        event.write_text(text, encoding="utf-8")
        assert main(["comment"], environ) == 4
        assert capsys.readouterr().err.startswith("ERROR: GITHUB_EVENT_PATH: no event of")
    event.unlink()
    assert main(["comment"], environ) == 4
    assert "GITHUB_EVENT_PATH" in capsys.readouterr().err


def test_all_reports_of_a_night_are_read(
    github: FakeGitHub, environ: dict[str, str], capsys: Captured
) -> None:
    """Those of each runtime and family; other artifacts are left."""
    leave(github, "reports-process", summary_of(RED))
    leave(github, "reports-docker", summary_of(RED, runtime="docker"))
    leave(github, "baseline-candidate", b"no summary")
    assert main(["issue"], environ) == 0
    assert capsys.readouterr().out.startswith("opened: ")
    assert github.issues[0]["title"] == "Performance regression: serving-batch and 1 more"


def test_a_damaged_report_of_a_night_leaves_the_others(
    github: FakeGitHub, environ: dict[str, str], capsys: Captured
) -> None:
    """The job fails all the same."""
    leave(github, "reports-docker", b"[]")
    leave(github, "reports-process", summary_of(RED))
    assert main(["issue"], environ) == 1
    assert capsys.readouterr().err.startswith("ERROR: reports-docker: summary.json: ")
    assert len(github.issues) == 1


def test_rows_that_are_measured_to_see_their_limits_are_no_night(
    github: FakeGitHub, environ: dict[str, str]
) -> None:
    """They are the rows of other jobs in two launches, which is too few for a verdict."""
    leave(github, "reports-limits", summary_of(RED))
    assert main(["issue"], environ) == 0
    assert github.issues == []


@pytest.mark.parametrize("how", ["--write", "--pool"])
def test_a_baseline_is_proposed(
    github: FakeGitHub, environ: dict[str, str], tmp_path: Path, capsys: Captured, how: str
) -> None:
    """The file has the next number, and the old and the new result stand side by side."""
    old = write_baseline(tmp_path / "baselines", "0003_old.json", entry(pairs=launches()))
    candidate = write_baseline(
        tmp_path / "new", "0001_candidate.json", entry(pairs=launches())
    )
    member = f"{candidate.parent.name}/{candidate.name}"
    content = candidate.read_bytes()
    github.add_artifact(RUN, baseline.ARTIFACT, archive_of({member: content}))
    assert main(["baseline", how, "night"], environ, tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("opened: https://github.")
    (path,) = github.files
    assert path == f"baselines/{old.parent.name}/0004_night.json"
    assert (github.files[path] == content) == (how == "--write")
    pull = github.pulls[-1]
    assert "old ratio" in pull["body"]
    assert "serving-batch" in pull["body"]


def candidate_of(extra: dict[str, object]) -> bytes:
    """Return a file of pytest-benchmark with this `extra_info`."""
    return json.dumps({"benchmarks": [{"extra_info": extra}]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"benchmarks": []}',
        b'{"benchmarks": [5]}',
        candidate_of({EXTRA: 5}),
        candidate_of({EXTRA: {"schema_version": 3, "name": [1]}}),
        candidate_of(entry(pairs=[{**pair, "launch": 10**30} for pair in launches()])),
    ],
    ids=range(10),
)
def test_a_candidate_that_is_no_baseline_is_refused(
    github: FakeGitHub,
    environ: dict[str, str],
    tmp_path: Path,
    capsys: Captured,
    content: bytes,
) -> None:
    """The job fails with one line, and nothing is written, here or to GitHub."""
    archive = archive_of({"Linux/0001_candidate.json": content})
    github.add_artifact(RUN, baseline.ARTIFACT, archive)
    for how in ("--write", "--pool"):
        assert main(["baseline", how, "night"], environ, tmp_path) == 1
        error = capsys.readouterr().err
        assert error.startswith("ERROR: ")
        assert error.count("\n") == 1
    assert github.wrote() == []
    assert not (tmp_path / "baselines").exists()


def test_a_name_that_is_no_name_is_refused(
    github: FakeGitHub, environ: dict[str, str], tmp_path: Path, capsys: Captured
) -> None:
    """It comes from whoever starts the workflow."""
    candidate = write_baseline(
        tmp_path / "new", "0001_candidate.json", entry(pairs=launches())
    )
    member = f"{candidate.parent.name}/{candidate.name}"
    github.add_artifact(
        RUN, baseline.ARTIFACT, archive_of({member: candidate.read_bytes()})
    )
    assert main(["baseline", "--write", "../up"], environ, tmp_path) == 4
    assert capsys.readouterr().err.startswith("ERROR: --write takes one name")
    assert github.wrote() == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["comments"], ["comment", "5"], ["baseline"], ["baseline", "--keep", "x"]],
)
def test_other_words_show_the_usage(arguments: list[str], capsys: Captured) -> None:
    """Nothing is asked of GitHub."""
    assert main(arguments, {}) == 4
    assert capsys.readouterr().err.startswith("usage: python -m perf.commands.github ")


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_RUN_ID", "GITHUB_API_URL"])
def test_a_missing_variable_is_named(
    environ: dict[str, str], capsys: Captured, name: str
) -> None:
    """The command is for GitHub Actions only."""
    del environ[name]
    assert main(["issue"], environ) == 4
    assert capsys.readouterr().err == (
        f"ERROR: {name} is not set: this command is for GitHub Actions\n"
    )


def test_a_refusal_is_one_line(
    github: FakeGitHub, environ: dict[str, str], capsys: Captured
) -> None:
    """The exit code is 1, and the token is not shown."""
    github.faults.append(Fault("GET", "/pulls", 403, {"message": "no\nway"}))
    assert main(["comment"], environ) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"ERROR: GitHub: GET /repos/{REPOSITORY}/pulls: status 403, ")
    assert error.count("\n") == 1
    assert TOKEN not in error


def test_it_measures_nothing() -> None:
    """What holds a token loads no code that starts servers, jobs or containers."""
    code = "import sys, perf.commands.github; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"perf.github.api", "requests"} <= loaded
    assert not loaded & {"torch", "docker", "pytest", "perf.experiment", "serving.runtimes"}
