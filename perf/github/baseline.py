"""A pull request with a baseline that another job recorded."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pydantic import BaseModel

from perf.github.api import Api
from perf.github.artifacts import artifacts, files
from perf.github.errors import DamagedError, GitHubError
from perf.github.job import Job
from perf.report.rendering import code, preformatted

ARTIFACT = "baseline-candidate"
"""What the job that records calls its artifact."""

_CANDIDATE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)/([0-9]{4}_candidate\.json)")


class _Pull(BaseModel):
    html_url: str


class _Anything(BaseModel):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the pull request says, and the file that it adds."""

    path: PurePosixPath
    """Where the file goes, from the root of the repository."""

    content: bytes

    machine: str
    """The class of the machine that recorded it."""

    runtime: str

    compared: str
    """The old baseline beside the new one, as text."""


def fetch_candidate(api: Api, job: Job, folder: Path) -> None:
    """Put the candidate that this run recorded into `folder`, as `tox -e rebaseline` does.

    Raises GitHubError, and DamagedError where there is not exactly one.
    """
    artifact = artifacts(api, job.run_id).get(ARTIFACT)
    if artifact is None:
        raise DamagedError(f"run {job.run_id} left no artifact {ARTIFACT}")
    archive = files(api, artifact)
    found = [match for name in archive.names if (match := _CANDIDATE.fullmatch(name))]
    if len(found) != 1:
        raise DamagedError(f"artifact {ARTIFACT!r} has {len(found)} candidates, not 1")
    target = folder / found[0][1] / found[0][2]
    target.parent.mkdir(parents=True)
    target.write_bytes(archive.read(found[0][0]))


def propose(api: Api, job: Job, proposal: Proposal) -> str:
    """Open a pull request with the file; return its address. Raises GitHubError."""
    name = proposal.path.stem
    branch = f"baseline/{name}-{job.run_id}-{job.attempt}"
    ref = {"ref": f"refs/heads/{branch}", "sha": job.commit}
    api.send("POST", "/git/refs", _Anything, ref)
    title = f"Record the baseline {name}"
    file = {
        "message": f"{title}\n\nMachine class {proposal.machine}, runtime "
        f"{proposal.runtime}, commit {job.commit}.",
        "content": base64.b64encode(proposal.content).decode(),
        "branch": branch,
    }
    api.send("PUT", f"/contents/{quote(str(proposal.path))}", _Anything, file)
    pull = {
        "title": title,
        "head": branch,
        "base": job.branch,
        "body": _body(job, proposal),
    }
    try:
        return api.send("POST", "/pulls", _Pull, pull).html_url
    except GitHubError as fault:
        raise GitHubError(
            f"{fault}; the baseline is in the branch {branch}: open the pull request "
            f"yourself, {job.home}/compare/{quote(job.branch)}...{quote(branch)}, or let "
            "GitHub Actions create pull requests (Settings, Actions, General)"
        ) from None


def _body(job: Job, proposal: Proposal) -> str:
    recorded = (
        f"Recorded by [this run]({job.page}) at commit {job.commit}, on the machine class "
        f"{code(proposal.machine)}, runtime {code(proposal.runtime)}."
    )
    advice = (
        "Look at the report on the page of the run first: if the machine was disturbed, "
        "record it again. GitHub starts no checks for a pull request that a workflow "
        "opened; close and reopen it to start them."
    )
    return "\n".join([recorded, "", *preformatted(proposal.compared), "", advice])
