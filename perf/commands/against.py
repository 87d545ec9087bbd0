"""Measure side by side with another tree.

    python -m perf.commands.against REF [pytest's options]

It is `pytest perf --perf-against REF` without the harness's own benchmark.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_USAGE = "usage: tox -e against -- REF [pytest's options]"
_WRONG_USE = 4  # pytest's own exit code for it


def main(arguments: Sequence[str]) -> int:
    """Measure, and return pytest's exit code."""
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n")
        return _WRONG_USE
    ref, *more = arguments
    pytest = [sys.executable, "-m", "pytest", "perf/test_throughput.py"]
    done = subprocess.run([*pytest, f"--perf-against={ref}", *more], cwd=_ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
