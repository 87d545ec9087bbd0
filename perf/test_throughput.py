"""Measures the throughput of each scenario, and judges whether it has become worse.

A round is a block of the scenario's jobs. Beside it, a block of the reference is measured,
in which every job loads the model; or, side by side, a block of another tree. While a block
runs, the pace tells how fast the cores are. What is judged is how throughput at equal pace
has changed since the baseline, or differs from the other tree, and whether memory, CPU time
or latency are worse. The ratio to the reference is for information. The rows are in
scenarios.toml.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.experiment.scenario_run import ScenarioRun


def test_throughput(scenario_run: ScenarioRun, benchmark: BenchmarkFixture) -> None:
    """Nothing that is judged is worse than in the baseline, or than in the other tree."""
    result = scenario_run.measure(benchmark)
    refusal = scenario_run.refusal(result)
    if refusal:
        pytest.fail(refusal, pytrace=False)
