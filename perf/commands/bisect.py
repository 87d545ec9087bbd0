"""Measure one scenario and say of it what `git bisect run` understands.

    python -m perf.commands.bisect SCENARIO [pytest's options]

ends with 0 where the scenario is unchanged or improved, 1 where it has regressed, and
125, which skips the commit, where that cannot be said: too little evidence, an invalid
measurement, no baseline, or a commit that cannot be built. Needs tox and nothing else,
so a commit whose packages cannot be installed is skipped as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

GOOD, BAD, SKIP = 0, 1, 125
_CODES = {"unchanged": GOOD, "improved": GOOD, "regressed": BAD}
_ROOT = Path(__file__).parents[2]
_USAGE = "usage: tox -e bisect -- SCENARIO [pytest's options]"


def exit_code(summary: Path, scenario: str) -> tuple[int, str]:
    """Return the code for a run's summary.json, and why in a few words."""
    try:
        rows = json.loads(summary.read_text("utf-8"))["scenarios"]
        found = next((row for row in rows if row["name"] == scenario), None)
    except (OSError, ValueError, KeyError, TypeError):
        return SKIP, "the run left no summary: it could not be built or started"
    if found is None:
        return SKIP, "the run ended before the scenario was measured"
    verdict = str(found["verdict"])
    return _CODES.get(verdict, SKIP), f"{verdict}. {found['reason']}".strip()


def main(arguments: Sequence[str]) -> int:
    """Run the scenario in tox's own environment and return the code."""
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n")
        return SKIP  # git bisect ends at once for what it is told of no commit
    scenario, *more = arguments
    with tempfile.TemporaryDirectory(prefix="serving-perf-bisect-") as folder:
        reports = ["--perf-reports", folder]
        tox = [sys.executable, "-m", "tox", "run", "-c", str(_ROOT), "-e", "perf", "--"]
        subprocess.run(
            [*tox, "--perf-scenario", scenario, *reports, *more], cwd=_ROOT, check=False
        )
        code, why = exit_code(Path(folder) / "summary.json", scenario)
    sys.stdout.write(f"bisect: {scenario}: {why} (exit code {code})\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
