"""The comment on a pull request: one, edited in place, and only where something changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel

from perf.github.api import Api
from perf.github.artifacts import artifacts, files
from perf.github.author import User, is_bot
from perf.github.errors import DamagedError
from perf.github.job import MeasuringRun
from perf.github.summary import FILE, Summary, read_summary
from perf.report import digest
from perf.report.rendering import preformatted

ARTIFACT = "reports-pull-request"
"""What the workflow that measures calls its reports."""

MARKER = "<!-- serving-perf: side by side -->"
"""Opens the comment, and is not seen."""

_SHORT = 12  # digits of a commit
_NOTE = "> Commit "  # begins the line after the marker, where the result is an older one
_FOOT = re.compile(r"<sub>Commit ([0-9a-f]+), side by side ")


class _Comment(BaseModel):
    id: int
    body: str | None
    user: User | None
    html_url: str


class _Repository(BaseModel):
    full_name: str


class _Head(BaseModel):
    sha: str
    repo: _Repository | None


class _Pull(BaseModel):
    number: int
    head: _Head


def comment_on(api: Api, run: MeasuringRun) -> str:
    """Comment what `run` measured on its pull request; return what was done.

    Raises GitHubError, and DamagedError where the run's summary cannot be used. A comment
    that is there already says then that its result is of an earlier commit.
    """
    if run.event != "pull_request":
        return f"run {run.id} is not of a pull request: nothing to say"
    numbers = _pulls(api, run)
    if len(numbers) != 1:
        return _not_one(numbers, run)
    try:
        summary = _summary(api, run)
    except DamagedError:
        if former := _former(api, numbers[0]):
            _edit(api, former, _outdated(former.body or "", run))
        raise
    return _write(api, numbers[0], summary, run)


def body(summary: Summary, run: MeasuringRun) -> str:
    """Return the text of the comment."""
    found = digest.changed(summary.outcomes)
    lines = [MARKER, digest.title(summary.outcomes, summary.header.scenarios), ""]
    if found:
        lines += [*digest.changed_rows(found), *digest.plot(found)]
        if command := summary.repeat(found[0]):
            lines += ["To repeat the first one alone:", "", *preformatted(command), ""]
    else:
        lines += ["At this commit nothing is known to have changed.", ""]
    lines += ["<details>", "<summary>All scenarios</summary>", ""]
    lines += [*digest.all_rows(summary.outcomes), "</details>", ""]
    foot = (
        f"Commit {run.head_sha[:_SHORT]}, side by side with its merge base. "
        f"[Report]({run.html_url}). The next commit edits this comment."
    )
    return "\n".join([*lines, f"<sub>{foot}</sub>"])


def _pulls(api: Api, run: MeasuringRun) -> list[int]:
    """Return the open pull requests whose last commit was measured.

    The event does not name those of a fork, so they are looked up by their branch.
    """
    if run.head_repository is None or run.head_branch is None:
        return []
    name = run.head_repository.full_name
    head = f"{name.partition('/')[0]}:{run.head_branch}"
    return [
        one.number
        for one in api.every("/pulls", _Pull, state="open", head=head)
        if one.head.sha == run.head_sha
        and one.head.repo is not None
        and one.head.repo.full_name == name
    ]


def _not_one(numbers: Sequence[int], run: MeasuringRun) -> str:
    """Return why there is no comment where not one pull request was measured."""
    those = "no open pull request"
    if numbers:
        those = f"several open pull requests: {', '.join(map(str, numbers))}"
    return f"No comment: {run.head_sha} is the last commit of {those}."


def _summary(api: Api, run: MeasuringRun) -> Summary | None:
    """Return the summary that the run left, or None where it left none."""
    artifact = artifacts(api, run.id).get(ARTIFACT)
    return read_summary(files(api, artifact).read(FILE)) if artifact else None


def _write(api: Api, number: int, summary: Summary | None, run: MeasuringRun) -> str:
    """Create or edit the comment, unless there is nothing to say."""
    former = _former(api, number)
    if former is not None:
        if summary is not None and summary.is_whole:
            return _edit(api, former, body(summary, run))
        return _edit(api, former, _outdated(former.body or "", run, summary))
    if summary is None:
        return f"run {run.id} left no artifact {ARTIFACT}: nothing to say"
    if not digest.changed(summary.outcomes):
        return "nothing changed, and there is no earlier comment: nothing to say"
    path = f"/issues/{number}/comments"
    made = api.send("POST", path, _Comment, {"body": body(summary, run)})
    return f"commented: {made.html_url}"


def _edit(api: Api, former: _Comment, text: str) -> str:
    if text == former.body:
        return "the comment has a result of this commit already: nothing to say"
    made = api.send("PATCH", f"/issues/comments/{former.id}", _Comment, {"body": text})
    return f"edited: {made.html_url}"


def _outdated(text: str, run: MeasuringRun, summary: Summary | None = None) -> str:
    """Return a former comment with a line that says which commit its result is of.

    `summary` has what was measured of this commit, if anything was. The text stays as it
    is where its result is of this commit, from an earlier run.
    """
    commit = run.head_sha[:_SHORT]
    marker, *lines = text.splitlines()
    if lines and lines[0].startswith(_NOTE):
        lines = lines[2:]
    foot = _FOOT.match(lines[-1]) if lines else None
    if foot and foot[1] == commit:
        return "\n".join([marker, *lines])
    is_partial = summary is not None and bool(summary.outcomes)
    how = "fully measured" if is_partial else "measured"
    of = f"of commit {foot[1]}" if foot else "of an earlier commit"
    note = f"{_NOTE}{commit} was not {how}; the last result is {of}. [Run]({run.html_url})"
    if summary is not None and is_partial:
        note += f" {digest.title(summary.outcomes, summary.header.scenarios)}"
    return "\n".join([marker, note, "", *lines])


def _former(api: Api, number: int) -> _Comment | None:
    """Return the comment that is there already: the oldest one, where there are several."""
    for one in api.every(f"/issues/{number}/comments", _Comment):
        if is_bot(one.user) and (one.body or "").startswith(MARKER):
            return one
    return None
