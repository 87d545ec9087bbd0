"""Measure a sweep of the table, and write its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perf.config.header import RunHeader
from perf.config.scenario import Scenario
from perf.config.sweep import Plan
from perf.config.table import Table
from perf.experiment.against.tree import ROOT, files_digest
from perf.experiment.lab import Lab
from perf.experiment.sweep.journal import Journal
from perf.experiment.sweep.launch import LaunchMeter
from perf.experiment.sweep.sweeping import Sweeping
from perf.judge.identity import identity_of
from perf.machine.pace import Pace
from perf.report.sections import header_line
from perf.report.sweep import SweepResult, render
from perf.stats import Quantity
from perf.stats.quantity import CAPACITY, MEMORY, P99, THROUGHPUT
from serving.errors import ConfigError

_OBJECTIVES: dict[str, Quantity] = {
    one.name: one for one in (THROUGHPUT, CAPACITY, MEMORY, P99)
}


@dataclass(slots=True)
class SweepRun:
    """Measures the sweep `name`."""

    lab: Lab
    header: RunHeader
    name: str

    say: Callable[[str], None]
    """Shows a line of progress."""

    result: SweepResult | None = None
    """What was found; None until it is."""

    def measure(self) -> SweepResult:
        """Run the sweep, or what an interrupted one has left, and write its report.

        Raises ConfigError where the table, an option or the journal does not fit or a
        file cannot be written, and ChildError where the pace cannot be measured.
        """
        chosen = Table.read().plan(self.name, self._refusal)
        settings = self.lab.settings
        journal = Journal(
            settings.reports / f"sweep-{self.name}.jsonl", self._identity(chosen)
        )
        if journal.launches:
            self.say(f"going on: {journal.launches} launches are in {journal.path}")
        pace = Pace()
        try:
            meter = LaunchMeter(self.lab, pace, tuple(pace.pids))
            result = Sweeping(
                plan=chosen,
                quantities=[_OBJECTIVES[name] for name in chosen.sweep.objectives],
                header=header_line(self.header),
                journal=journal,
                measure_launch=meter.measure,
                say=self.say,
                seed=settings.arrivals_seed,
            ).run()
        finally:
            pace.stop()
        self.result = result
        page = settings.reports / f"sweep-{self.name}.md"
        try:
            page.write_text(render(result, markdown=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"--perf-reports: {page} cannot be written ({error.strerror})"
            ) from None
        return result

    def _refusal(self, row: Scenario) -> str:
        """Return why a row cannot be measured here, or the empty string."""
        settings = self.lab.settings
        if not row.measured_in(settings.profile_name, settings.cores):
            return (
                f"profile {settings.profile_name} does not measure it on "
                f"{settings.cores} cores"
            )
        try:
            return self.lab.refusal(row)
        except ConfigError as error:
            return str(error)

    def _identity(self, chosen: Plan) -> dict[str, object]:
        """Return what must be equal for launches of a journal to count."""
        base = identity_of(self.lab.settings, self.header, chosen.today.row)
        return {
            "sweep": chosen.sweep.model_dump(mode="json"),
            "base": base.model_dump(mode="json"),
            "cpu": base.cpu,
            "profile": self.header.profile,
            "commit": self.header.commit,
            "code": files_digest(ROOT),
        }
