"""Tell GitHub of a result, in a job of GitHub Actions.

    python -m perf.commands.github comment
    python -m perf.commands.github issue
    python -m perf.commands.github baseline --write NAME
    python -m perf.commands.github baseline --pool NAME

`comment` runs after a workflow that measured a pull request, and comments there what
changed. `issue` runs after the jobs of a nightly run, and opens, updates or closes the
issue for regressions. `baseline` runs after the job that recorded a candidate, and opens a
pull request with it. All of them read the artifacts that the other jobs left.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from perf.commands.rebaseline import compared, keep
from perf.github.artifacts import artifacts, files
from perf.github.baseline import ARTIFACT, Proposal, fetch_candidate, propose
from perf.github.comment import comment_on
from perf.github.errors import DamagedError
from perf.github.issue import report_night
from perf.github.job import Job, measuring_run
from perf.github.summary import FILE, read_summary
from perf.judge.baselines import BaselineStore
from serving.errors import ConfigError, PerfError

REPORTS = "reports-"
"""How the names of the artifacts with reports begin."""

_ROOT = Path(__file__).parents[2]
_WRONG_USE = 4
_USAGE = (
    "usage: python -m perf.commands.github comment | issue | baseline --write NAME | "
    "baseline --pool NAME"
)

_LIMITS = f"{REPORTS}limits"
"""The same rows in two launches, to see where time goes: too few for a verdict."""


def main(arguments: Sequence[str], environ: Mapping[str, str], root: Path = _ROOT) -> int:
    """Do what the arguments say, and return the exit code."""
    try:
        match list(arguments):
            case ["comment"]:
                return _comment(environ)
            case ["issue"]:
                return _issue(environ)
            case ["baseline", ("--write" | "--pool") as how, name]:
                return _baseline(environ, how, name, root)
    except ConfigError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return _WRONG_USE
    except PerfError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    sys.stderr.write(f"{_USAGE}\n")
    return _WRONG_USE


def _comment(environ: Mapping[str, str]) -> int:
    job = Job.read(environ)
    run = measuring_run(Path(environ.get("GITHUB_EVENT_PATH", "")))
    return _say(comment_on(job.api, run))


def _issue(environ: Mapping[str, str]) -> int:
    """Read every summary that can be read; a damaged one is told, and fails the job."""
    job = Job.read(environ)
    api, summaries, damaged = job.api, [], 0
    for name, artifact in artifacts(api, job.run_id).items():
        if not name.startswith(REPORTS) or name == _LIMITS:
            continue
        try:
            summaries.append(read_summary(files(api, artifact).read(FILE)))
        except DamagedError as fault:
            sys.stderr.write(f"ERROR: {name}: {fault}\n")
            damaged += 1
    _say(report_night(api, job, summaries))
    return 1 if damaged else 0


def _baseline(environ: Mapping[str, str], how: str, name: str, root: Path) -> int:
    job = Job.read(environ)
    with tempfile.TemporaryDirectory(prefix="serving-perf-baseline-") as folder:
        candidates, baselines = Path(folder), root / "baselines"
        fetch_candidate(job.api, job, candidates)
        try:
            found = BaselineStore(candidates).all()
        except ConfigError as error:  # not a fault of who called this
            raise DamagedError(f"artifact {ARTIFACT}: {error}") from None
        if not found:
            raise DamagedError("the candidate has no result that could be a baseline")
        table = compared(baselines, candidates)
        path = keep(how, [name], baselines, candidates)
    proposal = Proposal(
        path=PurePosixPath(path.relative_to(root)),
        content=path.read_bytes(),
        machine=found[0].identity.machine_class,
        runtime=found[0].identity.runtime,
        compared=table,
    )
    return _say(f"opened: {propose(job.api, job, proposal)}")


def _say(done: str) -> int:
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
