"""What a benchmark of a scenario is given, so that it can read like the experiment."""

from __future__ import annotations

from typing import Protocol

from pytest_benchmark.fixture import BenchmarkFixture

from perf.report.result import HarnessResult, ScenarioResult


class Measurable(Protocol):
    """One row of the table, about to be measured."""

    def measure(self, benchmark: BenchmarkFixture) -> ScenarioResult:
        """Run the benchmark's rounds; raises PerfError where anything failed."""

    def refusal(self, result: ScenarioResult) -> str:
        """Return why the result does not pass, or the empty string where it does."""


class Calibration(Protocol):
    """The harness, about to be measured against a server that answers at once."""

    def measure(self, benchmark: BenchmarkFixture) -> HarnessResult:
        """Run the benchmark's rounds; raises PerfError where anything failed."""
