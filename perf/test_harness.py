"""Measures how many jobs a second the harness can run, and how much CPU one job takes.

It runs first: a scenario that comes near the limit of the harness is invalid.
"""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from perf.experiment.harness_run import HarnessRun


def test_harness(harness_run: HarnessRun, benchmark: BenchmarkFixture) -> None:
    """Every job of every round is answered; how many a second is only reported."""
    result = harness_run.measure(benchmark)
    assert result.ceiling_rps > 0
