"""The pull request with a baseline that another job recorded."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from perf.github.baseline import ARTIFACT, Proposal, fetch_candidate, propose
from perf.github.errors import DamagedError, GitHubError
from tests.perf.github.written import HEAD, RUN, job_at
from tests.support.fake_github import FakeGitHub
from tests.support.github_state import Fault, archive_of

MEMBER = "Linux-CPython-3.11-64bit/0001_candidate.json"
FILE = PurePosixPath("baselines/Linux-CPython-3.11-64bit/0010_night.json")
BRANCH = f"baseline/0010_night-{RUN}-1"
PROPOSAL = Proposal(
    path=FILE,
    content=b'{"benchmarks": []}\n',
    machine="x86_64-2cores",
    runtime="process",
    compared="scenario  old ratio\n--------  ---------\na         1.00",
)


def fetch(github: FakeGitHub, folder: Path) -> None:
    """Fetch the candidate of the run."""
    fetch_candidate(github.api(), job_at(github), folder)


def test_the_candidate_lies_where_rebaseline_leaves_it(
    github: FakeGitHub, tmp_path: Path
) -> None:
    """Only this file is written, whatever else the archive holds."""
    files = {MEMBER: b"{}", "../../0001_candidate.json": b"x", "notes.md": b"x"}
    github.add_artifact(RUN, ARTIFACT, archive_of(files))
    fetch(github, tmp_path)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found == [tmp_path / MEMBER]
    assert found[0].read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("files", "number"),
    [
        ({}, 0),
        ({"../0001_candidate.json": b""}, 0),
        ({"a/b/0001_candidate.json": b""}, 0),
        ({"/0001_candidate.json": b""}, 0),
        ({MEMBER: b"", "Other/0001_candidate.json": b""}, 2),
    ],
    ids=range(5),
)
def test_anything_but_one_candidate_is_refused(
    github: FakeGitHub, tmp_path: Path, files: dict[str, bytes], number: int
) -> None:
    """Nothing is written then."""
    github.add_artifact(RUN, ARTIFACT, archive_of(files))
    with pytest.raises(DamagedError, match=f"has {number} candidates, not 1"):
        fetch(github, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_candidate_is_told(github: FakeGitHub, tmp_path: Path) -> None:
    """The job that records has failed."""
    with pytest.raises(DamagedError, match=f"run {RUN} left no artifact {ARTIFACT}"):
        fetch(github, tmp_path)


def test_a_pull_request_is_opened(github: FakeGitHub) -> None:
    """Its branch begins at the commit that was measured, and has one file more."""
    page = propose(github.api(), job_at(github), PROPOSAL)
    assert page.endswith("/pull/1")
    assert github.refs == {f"refs/heads/{BRANCH}": HEAD}
    assert github.files == {str(FILE): PROPOSAL.content}
    (pull,) = github.pulls
    assert pull["title"] == "Record the baseline 0010_night"
    assert (pull["head"], pull["base"]) == (BRANCH, "main")
    assert f"at commit {HEAD}, on the machine class `x86_64-2cores`" in pull["body"]
    assert f"```text\n{PROPOSAL.compared}\n```" in pull["body"]
    assert [one.path for one in github.wrote()] == [
        "/git/refs",
        f"/contents/{FILE}",
        "/pulls",
    ]


def test_where_pull_requests_are_not_allowed_the_branch_is_named(
    github: FakeGitHub,
) -> None:
    """The measurement is not lost: a person can open the pull request."""
    body = {"message": "GitHub Actions is not permitted to create pull requests"}
    github.faults.append(Fault("POST", "/pulls", 403, body))
    with pytest.raises(GitHubError) as caught:
        propose(github.api(), job_at(github), PROPOSAL)
    text = str(caught.value)
    assert "GitHub Actions is not permitted" in text
    assert f"/compare/main...{BRANCH}" in text
    assert "Settings, Actions, General" in text
    assert github.files


def test_a_branch_that_exists_is_not_changed(github: FakeGitHub) -> None:
    """A second try has another number, so this is somebody else's."""
    github.refs[f"refs/heads/{BRANCH}"] = "0" * 40
    with pytest.raises(GitHubError, match=r'status 422.*"Reference already exists"'):
        propose(github.api(), job_at(github), PROPOSAL)
    assert github.files == {}
