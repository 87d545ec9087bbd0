"""Measure side by side with another tree.

    python -m perf.commands.against REF [pytest's options]

It is `pytest perf --perf-against=REF`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from serving.running import run_to_end

_ROOT = Path(__file__).parents[2]
_USAGE = "usage: tox -e against -- REF [pytest's options]"
_WRONG_USE = 4  # pytest's own exit code for it


def main(arguments: Sequence[str]) -> int:
    """Measure, and return pytest's exit code."""
    # A command that found no revision leaves an empty word.
    if not arguments or not arguments[0].strip() or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n")
        return _WRONG_USE
    ref, *more = arguments
    pytest = [sys.executable, "-m", "pytest", "perf"]
    return run_to_end([*pytest, f"--perf-against={ref}", *more], _ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
