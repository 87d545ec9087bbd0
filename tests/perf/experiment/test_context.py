"""What is built before a scenario is measured takes no scenario's time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from perf.config.scenario import Scenario
from perf.config.table import Table
from perf.experiment.context import RunContext
from perf.experiment.measurement import without_benchmark
from perf.experiment.since_baseline import SinceBaseline
from serving.errors import PerfError

TABLE = Table.read()
ROW, OTHER = TABLE.scenario[:2]


class Lab:
    """Builds for a minute what an arm needs; the second arm cannot be built."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.settings = SimpleNamespace(
            budgets_s=lambda rows: dict.fromkeys((row.name for row in rows), 60.0),
            profile_of=lambda _: TABLE.profile["smoke"],
            reference_of=lambda _: OTHER,
        )

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now_s

    def arm(self, row: Scenario) -> object:
        """Let a minute pass."""
        self.now_s += 60.0
        if row is OTHER:
            raise PerfError("no model")
        return object()


def test_models_that_are_built_first_shorten_no_scenario(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two minutes of building leave the next scenario its whole minute; a fault too."""
    lab: Any = Lab()
    nothing: Any = None
    context = RunContext(
        lab=lab,
        header=nothing,
        store=nothing,
        results=nothing,
        progress=nothing,
        rows=[ROW, OTHER],
        options={},
        complete=False,
    )
    for name in ("context", "schedule"):
        monkeypatch.setattr(f"perf.experiment.{name}.time", lab)
    assert context.budget is not None
    assert context.budget.share_s(ROW.name) == 60.0
    with pytest.raises(PerfError, match="no model"):
        SinceBaseline(context, ROW).run(without_benchmark, 60.0, brief=False)
    assert lab.now_s == 1120.0
    lab.now_s += 60.0  # the first scenario is measured
    assert context.budget.share_s(OTHER.name) == 60.0
