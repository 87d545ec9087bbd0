"""Measures the throughput of each scenario, and judges its efficiency.

A round is a block of the scenario's jobs. Two things are measured beside each block: a
block of the reference, in which every job loads the model, and the yardstick, which is the
model alone in as many processes and threads. Efficiency is throughput over that of the
yardstick. What is judged is its change since the baseline; the ratio to the reference is
for information. The rows are in scenarios.toml.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.experiment.scenario_run import ScenarioRun


def test_throughput(scenario_run: ScenarioRun, benchmark: BenchmarkFixture) -> None:
    """The efficiency has not fallen since the baseline by more than the tolerance."""
    result = scenario_run.measure(benchmark)
    refusal = scenario_run.refusal(result)
    if refusal:
        pytest.fail(refusal, pytrace=False)
