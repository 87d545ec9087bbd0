"""Measure one scenario beside a good commit, and return an exit code for `git bisect run`.

    python -m perf.commands.bisect SCENARIO GOOD [pytest's options]

The commit that git has checked out is measured side by side with the commit GOOD. The exit
code is 0 where the scenario is unchanged or improved, and 1 where it has regressed. It is
125, which skips the commit, where the verdict is inconclusive or invalid, or the commit
cannot be built. The command needs only tox, so it also skips a commit whose packages cannot
be installed. It is 128, which ends the bisection, where the fault is not the commit's:
wrong words, a scenario that GOOD does not have, no tox, or no folder for the reports.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from serving.running import run_to_end
from serving.temporary import TemporaryFolderError, naming_tmpdir

GOOD, BAD, SKIP = 0, 1, 125
ABORT = 128  # git takes any other code below it for a bad commit
_WORDS = 2  # the scenario and the good commit
_MOVING = ("HEAD", "@")
_CODES = {"unchanged": GOOD, "improved": GOOD, "regressed": BAD}
_ROOT = Path(__file__).parents[2]
_TABLE = "perf/scenarios.toml"
_USAGE = "usage: tox -e bisect -- SCENARIO GOOD [pytest's options]"


def exit_code(summary: Path, scenario: str) -> tuple[int, str]:
    """Return the exit code for a run's summary.json, and the reason in a few words."""
    try:
        rows = json.loads(summary.read_text("utf-8"))["scenarios"]
        found = next((row for row in rows if row["name"] == scenario), None)
        if found is None:
            return SKIP, "the run ended before it measured the scenario"
        verdict, reason = str(found["verdict"]), found["reason"]
    except (OSError, ValueError, KeyError, TypeError):
        return SKIP, "the run wrote no summary: it could not be built or started"
    return _CODES.get(verdict, SKIP), f"{verdict}. {reason}".strip()


def main(arguments: Sequence[str]) -> int:
    """Measure the scenario in tox's environment, and return the exit code."""
    named = arguments[:_WORDS]
    if len(named) < _WORDS or any(not x.strip() or x.startswith("-") for x in named):
        return _abort(_USAGE)
    if importlib.util.find_spec("tox") is None:
        return _abort(f"bisect: tox is missing: {sys.executable} -m pip install tox")
    scenario, good, *more = arguments
    try:
        if why := _refusal(scenario, good):
            return _abort(f"bisect: {why}")
        with naming_tmpdir():
            made = tempfile.TemporaryDirectory(prefix="serving-perf-bisect-")
        with made as folder:
            reports = ["--perf-reports", folder]
            tox = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e", "against"]
            chosen = ["--perf-scenario", scenario, *more, *reports]
            run_to_end([*tox, "--", good, *chosen], _ROOT)
            code, why = exit_code(Path(folder) / "summary.json", scenario)
    except (OSError, TemporaryFolderError) as error:
        return _abort(f"bisect: {error}")
    sys.stdout.write(f"bisect: {scenario}: {why} (exit code {code})\n")
    return code


def _abort(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return ABORT


def _refusal(scenario: str, good: str) -> str:
    """Return why no step could measure the scenario beside the commit, or nothing."""
    if good.startswith(_MOVING):
        return f"{good}: HEAD moves in a bisection; name a commit or a tag"
    if not _is_known(good):
        return f"{good}: git knows no such commit"
    if names := _other_names(good, scenario):
        return f"{scenario}: no such scenario in {good}; it has {names}"
    return ""


def _is_known(good: str) -> bool:
    """Return whether git has this commit."""
    command = ["git", "rev-parse", "--verify", "--quiet", f"{good}^{{commit}}"]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _other_names(good: str, scenario: str) -> str:
    """Return the scenarios of the commit if `scenario` is none of them.

    Otherwise, and where its table cannot be read, return nothing.
    """
    command = ["git", "show", f"{good}:{_TABLE}"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
    try:
        rows = tomllib.loads(done.stdout.decode())["scenario"]
        names = [str(row["name"]) for row in rows]
    except (ValueError, KeyError, TypeError):
        return ""
    return "" if scenario in names else ", ".join(names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
