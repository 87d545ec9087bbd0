"""The doctor as it is typed: its options, its exit code and its JSON."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from perf.commands.doctor import __main__ as module
from perf.commands.doctor import examination, here, noise, rows
from perf.commands.doctor.__main__ import main
from perf.commands.doctor.examination import Request
from perf.commands.doctor.findings import Examination
from perf.machine.lock import only_run
from tests.support.suite import ROOT

WRONG_USE = 4
_LONGEST_S = 120


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seconds", "0"], ("--seconds", "0: not a number above 0")),
        (["--seconds", "long"], ("--seconds", "long: not a number above 0")),
        (["--seconds", "nan"], ("--seconds", "not a number above 0")),
        (["--jsn"], ("--jsn",)),
        (["--perf-profile", "fast"], ("--perf-profile fast: no such profile",)),
        (["--perf-scenario", "serving-bath"], ("--perf-scenario serving-bath: no such",)),
        (["--perf-family", "all"], ("--perf-family all: no such family",)),
        (["--perf-model", "x.pt"], ("--perf-model x.pt: there is no such file",)),
        (["--perf-images", "/none"], ("--perf-images /none: there is no such folder",)),
        (["--perf-runtime", "podman"], ("--perf-runtime podman: choose auto",)),
        (["--perf-device"], ("--perf-device", "expected one argument")),
        (["--benchmark-storage", "elasticsearch+http://x"], ("only file:// is supported",)),
        (["serving-batch"], ("serving-batch",)),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the option, nothing is examined, and the exit code is that of pytest."""
    assert main(arguments) == WRONG_USE
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("ERROR: ")
    assert all(word in line for word in words)
    assert out == ""


def asked_by(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Request:
    """Return what these arguments ask to be examined."""
    seen: list[Request] = []

    def note(request: Request) -> Examination:
        seen.append(request)
        return Examination(groups=[], following=[])

    monkeypatch.setattr(module, "examine", note)
    assert main(["--json", *arguments]) == 0
    return seen[0]


def test_an_option_may_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest takes it: each value counts, and may have several names."""
    words = ["--perf-scenario", "serving-batch,serving-single"]
    words += ["--perf-scenario", "decentralized"]
    asked = asked_by(monkeypatch, *words)
    assert [row.name for row in asked.settings.scenarios] == [
        "serving-batch",
        "serving-single",
        "decentralized",
    ]
    assert asked.options == words
    asked = asked_by(monkeypatch, "--perf-family", "main", "--perf-family", "servers")
    assert {row.family for row in asked.settings.scenarios} == {"main", "servers"}


@pytest.mark.parametrize(
    "usual",
    ["baselines", "file://./baselines", str(ROOT / "baselines")],
    ids=["relative", "address", "absolute"],
)
def test_the_usual_storage_need_not_be_repeated(
    usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written; another one is."""
    assert asked_by(monkeypatch).storage == ROOT / "baselines"
    asked = asked_by(monkeypatch, "--benchmark-storage", usual)
    assert (asked.storage, asked.storage_option) == (ROOT / "baselines", ())
    other = asked_by(monkeypatch, "--benchmark-storage", "file:///other")
    assert other.storage == Path("/other")
    assert other.storage_option == ("--benchmark-storage=file:///other",)


def test_a_run_that_measures_is_not_disturbed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Torch is not loaded and the machine is not watched, not even for a CUDA card."""

    def disturbs(*_: object) -> None:
        pytest.fail("the run was disturbed")

    for owner, name in (
        (here, "find_card"),
        (rows, "find_card"),
        (examination, "run_header"),
        (noise, "listen"),
    ):
        monkeypatch.setattr(owner, name, disturbs)
    with only_run():
        assert main(["--perf-device", "cuda", "--perf-runtime", "process"]) == 1
    said = capsys.readouterr().out
    assert "another run of the suite (process " in said
    assert "watching the machine for" not in said
    assert "not watched: that would disturb" in said


def test_it_can_be_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends it without a traceback, with the exit code that a shell expects."""

    def interrupted(_: Request) -> Examination:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "examine", interrupted)
    assert main(["--json"]) == 130
    assert capsys.readouterr() == ("", "")


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the doctor as a program."""
    return subprocess.run(
        [sys.executable, "-m", "perf.commands.doctor", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )


@pytest.mark.slow(reason="asks torch for a card")
def test_this_machine_is_examined() -> None:
    """The JSON is alone on standard output, and the exit code agrees with it.

    While another run measures, no run could start.
    """
    done = doctor("--json", "--seconds", "1", "--perf-runtime", "process")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ready"] is True
    titles = [group["title"] for group in found["groups"]]
    assert len(titles) == 5
    assert all(shlex.split(line)[:2] == ["tox", "-e"] for line in found["next"])
    with only_run():
        done = doctor("--json", "--seconds", "1", "--perf-runtime", "process")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads(done.stdout)["ready"] is False


@pytest.mark.slow(reason="asks torch for a card")
def test_a_damaged_baseline_is_a_fault(tmp_path: Path) -> None:
    """It is named, with what restores it: git knows the usual folder only."""
    path = tmp_path / "Linux" / "0001_x.json"
    path.parent.mkdir()
    path.write_text('{"benchmarks": [', encoding="utf-8")
    done = doctor("--seconds", "1", "--benchmark-storage", f"file://{tmp_path}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"  x baseline {path} is damaged" in done.stdout
    assert "git checkout" not in done.stdout
    assert "to fix it: restore the file, or name another folder" in done.stdout
    assert "Not ready: 1 thing keeps a run from starting." in done.stdout
    assert "Traceback" not in done.stderr
