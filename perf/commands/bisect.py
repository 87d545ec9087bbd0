"""Measure one scenario beside a good commit, and return an exit code for `git bisect run`.

    python -m perf.commands.bisect SCENARIO GOOD [pytest's options]

The commit that git has checked out is measured side by side with the commit GOOD. The exit
code is 0 where the scenario is unchanged or improved, and 1 where it has regressed. It is
125, which skips the commit, where the verdict is inconclusive or invalid, or the commit
cannot be built. The command needs only tox, so it also skips a commit whose packages cannot
be installed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from serving.running import run_to_end

GOOD, BAD, SKIP = 0, 1, 125
_WORDS = 2  # the scenario and the good commit
_CODES = {"unchanged": GOOD, "improved": GOOD, "regressed": BAD}
_ROOT = Path(__file__).parents[2]
_USAGE = "usage: tox -e bisect -- SCENARIO GOOD [pytest's options]"


def exit_code(summary: Path, scenario: str) -> tuple[int, str]:
    """Return the exit code for a run's summary.json, and the reason in a few words."""
    try:
        rows = json.loads(summary.read_text("utf-8"))["scenarios"]
        found = next((row for row in rows if row["name"] == scenario), None)
    except (OSError, ValueError, KeyError, TypeError):
        return SKIP, "the run wrote no summary: it could not be built or started"
    if found is None:
        return SKIP, "the run ended before it measured the scenario"
    verdict = str(found["verdict"])
    return _CODES.get(verdict, SKIP), f"{verdict}. {found['reason']}".strip()


def main(arguments: Sequence[str]) -> int:
    """Measure the scenario in tox's environment, and return the exit code."""
    if len(arguments) < _WORDS or any(x.startswith("-") for x in arguments[:_WORDS]):
        sys.stderr.write(f"{_USAGE}\n")
        return SKIP  # any other code would be a verdict on the commit
    scenario, good, *more = arguments
    with tempfile.TemporaryDirectory(prefix="serving-perf-bisect-") as folder:
        reports = ["--perf-reports", folder]
        tox = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e", "against", "--"]
        run_to_end([*tox, good, "--perf-scenario", scenario, *reports, *more], _ROOT)
        code, why = exit_code(Path(folder) / "summary.json", scenario)
    sys.stdout.write(f"bisect: {scenario}: {why} (exit code {code})\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
