"""How many jobs a second the harness itself can run, and what one costs.

Runs first, so that every scenario can be held against what the harness can do.
"""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from perf.experiment.harness_run import HarnessRun


def test_harness(harness_run: HarnessRun, benchmark: BenchmarkFixture) -> None:
    """Every job of every round is answered; the ceiling itself is only reported."""
    result = harness_run.measure(benchmark)
    assert result.ceiling_rps > 0
