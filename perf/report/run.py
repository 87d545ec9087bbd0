"""The results of one run, as they come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from perf.config.header import RunHeader
from perf.report.result import HarnessResult, ScenarioResult


@dataclass(slots=True)
class RunResults:
    """Collects results, and calls `on_change` with itself after each of them.

    Who measures adds; who reports reads. Neither needs to know the other.
    """

    header: RunHeader
    on_change: Callable[[RunResults], None] = lambda _: None
    scenarios: list[ScenarioResult] = field(default_factory=list)
    harness: HarnessResult | None = None

    def add(self, result: ScenarioResult) -> None:
        """Add the result of one scenario."""
        self.scenarios.append(result)
        self.on_change(self)

    def set_harness(self, result: HarnessResult) -> None:
        """Set what the harness can do."""
        self.harness = result
        self.on_change(self)
