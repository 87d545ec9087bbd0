"""Whether a budget applies to a scenario, and a real run with a tiny budget."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from perf.config.table import Table
from perf.experiment.lab import Lab
from perf.experiment.scenario_run import ScenarioRun
from perf.experiment.schedule import Budget
from perf.report.run import RunResults
from tests.support.fakes import IDENTITY
from tests.support.results import HEADER
from tests.support.suite import fresh_suite, tiny_model


@pytest.mark.parametrize(
    ("asked", "baseline", "complete", "budget_s"),
    [
        (False, True, False, 60.0),
        (False, True, True, None),
        (False, False, False, None),
        (True, True, False, 60.0),
        (True, True, True, 60.0),
        (True, False, False, 60.0),
    ],
)
def test_profiles_budget_applies_where_a_baseline_judges(
    monkeypatch: pytest.MonkeyPatch,
    *,
    asked: bool,
    baseline: bool,
    complete: bool,
    budget_s: float | None,
) -> None:
    """The profile's budget applies with a baseline, if the run does not become one.

    A budget that the user asked for always applies. Without a budget, the profile's
    launches are measured.
    """
    clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("perf.experiment.schedule.time", clock)
    found = (object(), "") if baseline else (None, "no baseline")
    lab = SimpleNamespace(
        settings=SimpleNamespace(budget_asked=asked),
        budget=Budget(60.0, 1),
        store=SimpleNamespace(find=lambda *_: found),
    )
    row, results = Table.read().scenario[0], RunResults(HEADER)
    run = ScenarioRun(cast("Lab", lab), row, complete, results)
    assert run._budget_s(IDENTITY) == budget_s


@pytest.mark.slow(reason="runs the suite")
def test_run_with_a_tiny_budget_measures_two_launches() -> None:
    """Even with a budget of 6 ms, two launches are measured and reported without error."""
    chosen = ("--perf-scenario", "decentralized", "-k", "throughput", "--perf-pairs", "1")
    with fresh_suite() as suite:
        run = suite.run("--perf-model", tiny_model(), *chosen, "--perf-budget", "0.0001")
        assert run.summary is not None, run.output
        pairs = run.row("decentralized")["pairs"]
    assert [pair["launch"] for pair in pairs] == [0, 1]
    assert "Traceback" not in run.output
