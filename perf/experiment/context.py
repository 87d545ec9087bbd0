"""What all scenarios of one run share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from perf.config.header import RunHeader
from perf.config.scenario import Scenario
from perf.config.settings import Settings
from perf.experiment.harness_run import open_client_rps
from perf.experiment.lab import Lab
from perf.experiment.progress import Progress, Work
from perf.experiment.schedule import Budget
from perf.judge.baselines import BaselineStore
from perf.report.run import RunResults


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """The laboratory, the baselines and the results of one run."""

    lab: Lab

    header: RunHeader

    store: BaselineStore

    results: RunResults

    progress: Callable[[Work], Progress]
    """Makes what shows how far a scenario is."""

    rows: Sequence[Scenario]
    """The scenarios that the run judges, without those that are skipped."""

    options: Mapping[str, object]
    """The options as the user gave them; see `perf.config.options`."""

    complete: bool
    """Whether to measure all planned launches, even where fewer decide.

    A run that becomes a baseline needs this: one that stops early has stopped where it
    looked best.
    """

    def ceiling_rps(self, scenario: Scenario) -> float | None:
        """Return what the harness alone does with a row's jobs, in jobs a second.

        None where it is unknown.
        """
        harness = self.results.harness
        if scenario.sends_open:
            known = harness.open_rps if harness else None
            return self._open_rps if known is None else known
        return harness.ceiling_rps if harness else None

    @cached_property
    def _open_rps(self) -> float:
        return open_client_rps(self.lab)

    @property
    def settings(self) -> Settings:
        """What the user chose."""
        return self.lab.settings

    @cached_property
    def budget(self) -> Budget | None:
        """The time for all scenarios together, or None where launches are counted."""
        each_s = self.settings.budgets_s(self.rows)
        return Budget(each_s) if each_s else None

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Build what a scenario needs inside the block: no scenario's time pays for it."""
        begun_s = time.monotonic()
        try:
            yield
        finally:
            if self.budget:
                self.budget.extend(time.monotonic() - begun_s)

    @property
    def judged(self) -> int:
        """How many scenarios the run judges."""
        return len(self.rows)
