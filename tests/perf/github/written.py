"""Summaries as another job writes them, and runs of workflows that left them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from perf.github.job import Job, MeasuringRun
from perf.github.summary import FILE
from perf.report.formats.json_file import JsonFile
from perf.report.result import ScenarioResult
from perf.stats import Verdict
from tests.support.fake_github import TOKEN, FakeGitHub
from tests.support.github_state import REPOSITORY, archive_of
from tests.support.results import BATCH, HEADER, judged, rejudged, run_of

RUN = 4711
HEAD = "c0ffee0123456789c0ffee0123456789c0ffee01"
MERGE_BASE = "ba5e0123456789ba5e0123456789ba5e01234567"
STARTED = "2026-11-27T02:17:30+00:00"

Change = Callable[[dict[str, Any]], object]
"""What a test does to a summary before it is written."""


def compared(name: str, verdict: Verdict, point: float = 1.0) -> ScenarioResult:
    """Return a scenario with this verdict, which was measured beside the merge base."""
    one = judged(point, point - 0.01, point + 0.01, verdict)
    return rejudged(
        replace(BATCH, name=name), verdict=verdict, quantities=(one,), against=MERGE_BASE
    )


def summary_of(*results: ScenarioResult, change: Change = dict.items, **head: Any) -> bytes:  # noqa: ANN401 -- fields of RunHeader
    """Return the summary.json of a run with these results."""
    more = {"started": STARTED, "commit": HEAD, **head}
    written = json.loads(
        JsonFile().render(run_of(*results, header=replace(HEADER, **more)))
    )
    change(written)
    return json.dumps(written).encode()


def leave(github: FakeGitHub, name: str, content: bytes, run: int = RUN) -> None:
    """Let a run leave an artifact with this summary.json."""
    github.add_artifact(run, name, archive_of({FILE: content, "index.html": b"<p>"}))


def measured_pull(github: FakeGitHub, *, owner: str = "someone") -> MeasuringRun:
    """Open the pull request 5 from a fork, and return the run that measured it."""
    fork = f"{owner}/project"
    head = {"ref": "faster", "sha": HEAD, "user": {"login": owner}}
    github.pulls.append({"number": 5, "head": {**head, "repo": {"full_name": fork}}})
    return MeasuringRun.model_validate(
        {
            "id": RUN,
            "event": "pull_request",
            "head_sha": HEAD,
            "head_branch": "faster",
            "html_url": f"https://github.example/{REPOSITORY}/actions/runs/{RUN}",
            "head_repository": {"full_name": fork},
        }
    )


def job_at(github: FakeGitHub) -> Job:
    """Return a job of the repository."""
    return Job(
        api_url=github.url,
        server_url="https://github.example",
        repository=REPOSITORY,
        run_id=RUN,
        attempt=1,
        commit=HEAD,
        branch="main",
        token=TOKEN,
    )
