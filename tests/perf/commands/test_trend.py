"""The command that adds results to the history and draws it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from perf.commands.trend import main
from perf.history.store import History
from perf.report.document import document
from tests.support.histories import nights
from tests.support.html_reader import read_html
from tests.support.results import BATCH, HEADER, LOCAL, rejudged, run_of

WRONG_USE = 4
HEAD = replace(HEADER, started="2026-11-27T02:17:00+00:00", commit="c" * 40)
SUMMARY = document(run_of(BATCH, LOCAL, header=HEAD))


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    """The summary.json of a run of two scenarios."""
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(SUMMARY), encoding="utf-8")
    return path


def test_results_are_added_and_drawn(
    tmp_path: Path, summary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A result that is added again changes nothing; both times the page is written."""
    for added in ("2 results", "0 results"):
        assert main(["--add", str(summary)], tmp_path) == 0
        said = capsys.readouterr().out
        assert f"history: {added} of {summary} added" in said
        assert "Too few runs to find a change in 2 scenarios over 1 run." in said
    assert len(History(tmp_path / "history").read()) == 2
    page = read_html((tmp_path / "reports" / "trend.html").read_text("utf-8"))
    assert {BATCH.name, LOCAL.name} <= {one.text.strip() for one in page.of("h3")}


def test_a_single_result_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The words fit the number."""
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(document(run_of(BATCH, header=HEAD))), encoding="utf-8")
    assert main(["--add", str(path)], tmp_path) == 0
    assert f"history: 1 result of {path} added\n" in capsys.readouterr().out


def test_a_change_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the terminal too: by how much, and between which runs."""
    History(tmp_path / "mine").add(nights(40, losses=[(25, 0.06)]))
    assert main(["--history", "mine", "--reports", "pages"], tmp_path) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 loss in 1 scenario over 40 runs.\nserving-batch: -")
    assert f"{tmp_path / 'pages' / 'trend.html'}" in said


def test_fewer_runs_can_be_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is older than the newest runs is not searched."""
    History(tmp_path / "history").add(nights(40, losses=[(25, 0.06)]))
    assert main(["--runs", "12"], tmp_path) == 0
    assert "No change" in capsys.readouterr().out


def test_an_empty_history_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no error: the page has the option that adds results."""
    assert main([], tmp_path) == 0
    assert "The history is empty." in capsys.readouterr().out
    page = read_html((tmp_path / "reports" / "trend.html").read_text("utf-8"))
    assert "tox -e perf -- --perf-history history" in page.only("header").text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "cannot be read"),
        ("no JSON", "not a file of JSON"),
        ("[]", "not a summary.json"),
        (json.dumps({**SUMMARY, "started": ""}), "not a summary.json with date"),
        (
            json.dumps(document(run_of(rejudged(BATCH, against="v1"), header=HEAD))),
            "side by side",
        ),
    ],
)
def test_a_file_that_is_no_result_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, expected: str
) -> None:
    """The message has the option, the file and the reason; nothing is written."""
    path = tmp_path / "summary.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert main(["--add", str(path)], tmp_path) == WRONG_USE
    said = capsys.readouterr().err
    assert said.startswith(f"ERROR: --add {path}: ")
    assert expected in said
    assert not (tmp_path / "history").exists()
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    "arguments", [["--runs", "0"], ["--reports", "file/reports"], ["--history", "file"]]
)
def test_an_impossible_option_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """One line, and the exit code for wrong use."""
    (tmp_path / "file").touch()
    assert main(arguments, tmp_path) == WRONG_USE
    assert capsys.readouterr().err.startswith("ERROR: ")


def test_add_can_be_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is added, whether they follow one option or several."""
    paths = []
    for day in (1, 2):
        head = replace(HEAD, started=f"2026-11-0{day}T02:17:00+00:00")
        path = tmp_path / f"{day}.json"
        path.write_text(json.dumps(document(run_of(BATCH, header=head))), encoding="utf-8")
        paths.append(str(path))
    assert main(["--add", paths[0], "--add", paths[1]], tmp_path) == 0
    assert capsys.readouterr().out.count("1 result of ") == 2
