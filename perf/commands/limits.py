"""Measure the model without a server too, and report where the time of an image goes.

    python -m perf.commands.limits [pytest's options]

Rows that the options choose replace the usual ones, which are of several families.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from perf.config.options import choose_rows
from serving.running import run_to_end

_ROOT = Path(__file__).parents[2]

ROWS = (
    *("serving-batch", "serving-workers-2", "torchserve-frozen"),
    *("litserve-workers-2", "ray-workers-2", "litserve-openvino"),
    *("litserve-openvino-bf16", "litserve-openvino-int8"),
)
"""The rows that are measured unless others are chosen."""


def main(arguments: Sequence[str]) -> int:
    """Measure, and return pytest's exit code."""
    rows = () if choose_rows(arguments) else ("--perf-scenario", ",".join(ROWS))
    amounts = ("--perf-launches", "2", "--perf-pairs", "4")
    pytest = (sys.executable, "-m", "pytest", "perf/test_throughput.py")
    return run_to_end([*pytest, "--perf-limits", *amounts, *rows, *arguments], _ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
