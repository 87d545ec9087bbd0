"""How many images a second each scenario serves, against jobs that load the model.

Every round is a block of the scenario's jobs; each has a block of the reference beside
it, so that what is judged is their ratio. See scenarios.toml for the rows.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.experiment.scenario_run import ScenarioRun


def test_throughput(scenario_run: ScenarioRun, benchmark: BenchmarkFixture) -> None:
    """The ratio of scenario over reference is no worse than its stored baseline."""
    result = scenario_run.measure(benchmark)
    refusal = scenario_run.refusal(result)
    if refusal:
        pytest.fail(refusal, pytrace=False)
