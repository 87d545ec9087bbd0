"""The commits around a change, and the command to paste."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from perf.history.entry import Entry
from perf.history.find import Find, command_of, commits_between
from perf.stats import Estimate
from tests.support.histories import entry

LOSS = Estimate(point=0.94, low=0.93, high=0.95, confidence=0.95)
GAIN = Estimate(point=1.06, low=1.05, high=1.07, confidence=0.95)
GOOD, BAD = entry(1), entry(4)
WHO = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with three commits on its branch, and one beside it."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for name in ("first", "second", "third"):
        git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", name)
        git(tmp_path, "tag", name)
    git(tmp_path, "checkout", "--quiet", "-b", "beside", "first")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "beside")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    """Return what git writes."""
    done = subprocess.run(
        ["git", "-C", str(folder), *WHO, *arguments],  # noqa: S607 -- the git that the user has
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def of(repository: Path, name: str) -> str:
    """Return the hash of a commit."""
    return git(repository, "rev-parse", name)


def test_the_commits_between_are_named(repository: Path) -> None:
    """Those after the good one up to the bad one, the newest first."""
    first, third = of(repository, "first"), of(repository, "third")
    found = commits_between(first, third, repository)
    assert found is not None
    assert [line.split(maxsplit=1)[1] for line in found] == ["third", "second"]
    assert commits_between(first, first, repository) == []


def test_commits_that_do_not_follow_are_not_named(repository: Path) -> None:
    """Nor are those that git does not have, nor what is no hash at all."""
    beside, third = of(repository, "beside"), of(repository, "third")
    assert commits_between(beside, third, repository) is None
    assert commits_between(third, of(repository, "first"), repository) is None
    assert commits_between("e" * 40, third, repository) is None
    assert commits_between("--output=x", third, repository) is None
    assert not (repository / "x").exists()


def test_without_git_nothing_is_known(tmp_path: Path) -> None:
    """A folder that is no repository has no commits."""
    assert commits_between("a" * 40, "b" * 40, tmp_path) is None


def test_a_subject_may_have_any_bytes(repository: Path) -> None:
    """A commit whose subject is not UTF-8 is named all the same."""
    tree, parent = of(repository, "HEAD^{tree}"), of(repository, "HEAD")
    who = "Somebody <somebody@example.org> 1 +0000"
    head = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n"
    made = subprocess.run(
        ["git", "-C", str(repository), "hash-object", "-t", "commit", "-w", "--stdin"],  # noqa: S607 -- the git that the user has
        input=head.encode() + b"caf\xe9\n",
        check=True,
        capture_output=True,
    )
    odd = made.stdout.decode().strip()
    found = commits_between(parent, odd, repository)
    assert found is not None
    assert found[0].endswith("caf\N{REPLACEMENT CHARACTER}")


def find(
    *runs: Entry, change: Estimate = LOSS, commits: Sequence[str] | None = ("one",)
) -> Find:
    """Return a change among these runs, or between the usual two."""
    return Find(runs or (GOOD, BAD), change, commits)


def test_the_command_bisects_the_scenario() -> None:
    """It has bad and good in git's order, and measures what the history holds."""
    command, why = command_of(find(GOOD, entry(2), entry(3), BAD))
    start, run = command.split(" && ")
    assert start.split() == ["git", "bisect", "start", BAD.commit, GOOD.commit]
    tail = ["serving-batch", GOOD.commit, "--perf-runtime", "process"]
    assert run == " ".join(["git bisect run python3 -m perf.commands.bisect", *tail])
    assert why == ""


def test_the_command_names_what_is_not_usual() -> None:
    """Device, profile and all options of the run, quoted for the shell."""
    options = ("--perf-model", "/own models/a.pt", "--perf-weights", "pretrained")
    odd = entry(9, device="cuda", profile="smoke", options=options, scenario="a b")
    command, _ = command_of(find(GOOD, odd))
    words = shlex.split(command)
    assert "a b" in words
    assert words[-4:] == list(options)
    for option, value in (("--perf-device", "cuda"), ("--perf-profile", "smoke")):
        assert words[words.index(option) + 1] == value


def test_a_loss_that_no_run_would_tell_has_no_command() -> None:
    """A row's own against_tolerance decides: that of a search for the capacity is 15 %."""
    small = Estimate(point=0.96, low=0.95, high=0.97, confidence=0.95)
    searched = entry(9, scenario="capacity-batch", figure="capacity")
    command, why = command_of(find(GOOD, searched, change=small))
    assert command == ""
    assert "smaller than 15 %" in why
    assert command_of(find(GOOD, BAD, change=small))[0]
    large = Estimate(point=0.8, low=0.78, high=0.82, confidence=0.95)
    assert command_of(find(GOOD, searched, change=large))[0]


SAME = GOOD.commit


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (find(entry(1, commit=""), BAD, commits=None), "not known"),
        (find(GOOD, entry(2, commit=SAME), commits=[]), "the machine changed"),
        (
            find(GOOD, entry(2, commit=SAME, about={"torch": "3"}), commits=[]),
            "torch 2.14.1 -> 3",
        ),
        (
            find(GOOD, entry(2, commit=SAME, changed=True), commits=[]),
            "uncommitted changes",
        ),
        (
            find(GOOD, entry(2), entry(3, commit=SAME), commits=[]),
            "others between them have not",
        ),
        (find(commits=None), "Git does not know"),
        (find(change=GAIN), "Only losses"),
    ],
)
def test_without_a_command_there_is_a_reason(change: Find, expected: str) -> None:
    """What cannot be bisected says why; it is not the code if no run has another commit."""
    command, why = command_of(change)
    assert command == ""
    assert expected in why
    one_commit = {run.commit for run in change.runs} == {SAME}
    changed = any(run.changed for run in change.runs)
    assert ("not the code" in why) == (one_commit and not changed)
