"""The issue for regressions of the nightly runs: one, and closed when all recovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from perf.github.api import Api
from perf.github.author import User, is_bot
from perf.github.job import Job
from perf.github.nightly import Night, Since, night, read, written
from perf.github.summary import Summary
from perf.report import digest
from perf.report.headline import moved
from perf.report.page.tone import symbol_of
from perf.report.rendering import code, escape, preformatted

LABEL = "performance-regression"
_RECENT = 100  # closed issues that are looked at; GitHub lists no more on a page
_MOST_COMMANDS = 20
_SHORT = 12  # digits of a commit


class _Issue(BaseModel):
    number: int
    body: str | None
    html_url: str
    user: User | None = None

    pull_request: dict[str, object] | None = None
    """GitHub lists pull requests among the issues; only they have it."""


class _Anything(BaseModel):
    pass


def report_night(api: Api, job: Job, summaries: Sequence[Summary]) -> str:
    """Open, update or close the issue as the runs of a night say; return what was done.

    An older night that is run again changes nothing. Raises GitHubError.
    """
    issue = _former(api)
    if issue is None:
        return _open(api, job, night({}, summaries))
    if newer := _newer(job, [issue]):
        return newer
    before = read(issue.body or "")
    found = night(before.regressions if before else {}, summaries)
    if before is None and not found.current:
        return (
            f"{issue.html_url} has lost the line that says what is open: close it by hand "
            "when all has recovered"
        )
    return _update(api, job, issue, found)


def _open(api: Api, job: Job, found: Night) -> str:
    """Open an issue, unless nothing regressed or a newer night has closed one."""
    if not found.current:
        return "nothing regressed, and no issue is open: nothing to say"
    if newer := _newer(job, _closed(api)):
        return newer
    texts = {**_texts(found, job), "labels": [LABEL]}
    return f"opened: {api.send('POST', '/issues', _Issue, texts).html_url}"


def _newer(job: Job, issues: Sequence[_Issue]) -> str:
    """Return that a newer run than the job's has written one of the issues, or nothing."""
    for issue in issues:
        kept = read(issue.body or "")
        if kept and kept.run_id > job.run_id:
            return (
                f"run {job.run_id} is older than run {kept.run_id}, which wrote "
                f"{issue.html_url}: nothing is changed"
            )
    return ""


def _update(api: Api, job: Job, issue: _Issue, found: Night) -> str:
    """Bring an open issue up to date; what is new gets a comment too."""
    # The comment comes first: if the rest fails, the next try tells it again.
    if news := _news(found, job):
        path = f"/issues/{issue.number}/comments"
        api.send("POST", path, _Anything, {"body": news})
    change: dict[str, object] = dict(_texts(found, job))
    if not found.current:
        body = f"{written({}, job.run_id)}\nAll scenarios have recovered."
        change = {"state": "closed", "state_reason": "completed", "body": body}
    api.send("PATCH", f"/issues/{issue.number}", _Issue, change)
    return f"{'updated' if found.current else 'closed'}: {issue.html_url}"


def _former(api: Api) -> _Issue | None:
    """Return the open issue; the oldest one, where there are several."""
    listed = api.every(
        "/issues", _Issue, state="open", labels=LABEL, sort="created", direction="asc"
    )
    return next((one for one in listed if _is_ours(one)), None)


def _closed(api: Api) -> list[_Issue]:
    """Return the newest closed issues."""
    query = {"state": "closed", "labels": LABEL, "sort": "created", "direction": "desc"}
    listed = api.get("/issues", list[_Issue], **query, per_page=_RECENT)
    return [one for one in listed if _is_ours(one)]


def _is_ours(issue: _Issue) -> bool:
    is_marked = "<!-- serving-perf: regressions" in (issue.body or "")
    return issue.pull_request is None and is_bot(issue.user) and is_marked


def _texts(found: Night, job: Job) -> dict[str, str]:
    """Return the title and the text of the issue."""
    first, *more = found.current or [""]
    name = first.partition("/")[2]
    also = f" and {len(more)} more" if more else ""
    return {
        "title": f"Performance regression: {name}{also}",
        "body": "\n".join(_lines(found, job)),
    }


def _lines(found: Night, job: Job) -> Iterator[str]:
    those = [found.measured[key] for key in found.current if key in found.measured]
    yield written(found.current, job.run_id)
    yield f"As measured in [the last nightly run]({job.page}):"
    yield ""
    yield "| scenario | runtime | regressed since | last night |"
    yield "|:--|:--|:--|:--|"
    for key, since in found.current.items():
        runtime, _, name = key.partition("/")
        yield f"| {code(name)} | {runtime} | {_when(since)} | {_last(found, key)} |"
    yield ""
    yield from digest.plot([one.outcome for one in those])
    told = (one.summary.repeat(one.outcome) for one in those[:_MOST_COMMANDS])
    if commands := [one for one in told if one]:
        yield "To repeat each one alone:"
        yield ""
        yield from preformatted("\n".join(commands))
        yield ""
    place = "docs/baselines.md#after-another-verdict-than-unchanged"
    page = f"{job.home}/blob/{job.commit}/{place}"
    yield (
        f"[What to do now]({page}). Each nightly run edits this text. The "
        "issue is closed when every scenario is `unchanged` or `improved` again."
    )


def _news(found: Night, job: Job) -> str:
    """Return the comment on what began and what recovered; empty where nothing did."""
    said = []
    if found.begun:
        said.append(f"New regressions: {', '.join(map(code, found.begun))}.")
    if found.recovered:
        said.append(f"Recovered: {', '.join(map(code, found.recovered))}.")
    if said and not found.current:
        said.append("Nothing is open any more, so the issue is closed.")
    return f"{' '.join(said)} [Nightly run]({job.page})" if said else ""


def _last(found: Night, key: str) -> str:
    """Return what the last night says of an open regression."""
    measured = found.measured.get(key)
    if measured is None:
        return "not measured"
    verdict = measured.outcome.judgement.verdict
    told = escape("; ".join(moved(measured.outcome)))
    return ": ".join(filter(None, (f"{symbol_of(verdict)} {verdict}", told)))


def _when(since: Since) -> str:
    commit = f"commit {since.commit[:_SHORT]}" if since.commit else ""
    return ", ".join(filter(None, (since.date, commit))) or "-"
