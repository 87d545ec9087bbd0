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
    skipped: dict[str, str] = field(default_factory=dict)
    """Why a scenario cannot be measured here, by name."""

    @property
    def planned(self) -> list[str]:
        """The scenarios to measure, without those that are skipped."""
        return [name for name in self.header.scenarios if name not in self.skipped]

    @property
    def missing(self) -> list[str]:
        """The planned scenarios that were not measured so far."""
        measured = {result.name for result in self.scenarios}
        return [name for name in self.planned if name not in measured]

    def add(self, result: ScenarioResult) -> None:
        """Add the result of one scenario."""
        self.scenarios.append(result)
        self.on_change(self)

    def skip(self, name: str, why: str) -> None:
        """Note that a scenario cannot be measured here."""
        self.skipped[name] = why
        self.on_change(self)

    def set_harness(self, result: HarnessResult) -> None:
        """Set what the harness can do."""
        self.harness = result
        self.on_change(self)
