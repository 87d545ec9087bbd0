"""Which baseline applies to each scenario, and the smallest loss that could be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perf.commands.doctor.findings import Finding, Level
from perf.config.header import RunHeader
from perf.config.scenario import Scenario
from perf.config.settings import Settings
from perf.experiment.against.tree import is_at_hand
from perf.experiment.schedule import BRIEF_LAUNCHES, FEWEST_LAUNCHES, Course
from perf.judge.baselines import Baseline, BaselineStore
from perf.judge.identity import identity_of
from perf.report import formatting
from perf.stats import (
    NotMeasuredError,
    Quantity,
    Rule,
    foreseen_side_by_side,
    foreseen_since,
)
from perf.stats.quantity import CAPACITY, GOODPUT, THROUGHPUT

# What a launch takes besides its blocks: the starts of servers, and the warm-ups. On two
# cores of an AMD EPYC (Zen 5), 2026-11-27, six minutes side by side held 16 launches of
# serving-batch, with 10 s of blocks each.
_LAUNCH_S = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the scenarios of a run would be judged."""

    settings: Settings
    header: RunHeader
    store: BaselineStore

    def find(self, row: Scenario) -> tuple[Baseline | None, str]:
        """Return the baseline that applies to a row, or None and why."""
        identity = identity_of(self.settings, self.header, row)
        return self.store.find(row.name, identity)

    @property
    def without_baseline(self) -> list[str]:
        """The names of the scenarios to which no baseline of this CPU applies."""
        found = ((row, self.find(row)[0]) for row in self.settings.scenarios)
        return [
            row.name
            for row, baseline in found
            if baseline is None or self._is_elsewhere(row, baseline)
        ]

    def baselines(self, record: str) -> Iterator[Finding]:
        """Yield the baseline of each scenario, or the first thing that differs.

        `record` is the command that records those that are missing.
        """
        for row in self.settings.scenarios:
            baseline, reason = self.find(row)
            if baseline is None:
                first, _, more = reason.partition("; ")
                others = len(more.split("; ")) if more else 0
                what = f"{row.name}: {first}{_more(others)}"
                yield Finding(what, Level.WARNING, record)
            elif self._is_elsewhere(row, baseline):
                what = f"{row.name}: {_described(baseline)}, of another CPU: by itself it "
                yield Finding(f"{what}gives no verdict here", Level.WARNING, record)
            else:
                yield Finding(f"{row.name}: {_described(baseline)}")

    def _is_elsewhere(self, row: Scenario, baseline: Baseline) -> bool:
        identity = identity_of(self.settings, self.header, row)
        return identity.is_of_another_cpu(baseline.identity)

    def smallest_losses(self) -> Iterator[Finding]:
        """Yield an estimate of the smallest loss that would be an alarm 95 times in 100."""
        for row in self.settings.scenarios:
            baseline, _ = self.find(row)
            settles = self.settings.confirm and (
                baseline is None or is_at_hand(baseline.commit)
            )
            launches = self._launches(row, baseline)
            loss: float | None = self._aside(row, launches)
            how = "side by side"
            if baseline is not None and not settles:
                loss, how = self._since(row, baseline, launches), "by the baseline alone"
            seen = "none" if loss is None else f"about {formatting.share(loss)}"
            yield Finding(f"{row.name}: {seen} {how}, with {launches} launches")

    def _aside(self, row: Scenario, launches: int) -> float:
        change = foreseen_side_by_side(launches, _quantity(row))
        return self._rule(row, launches, side_by_side=True).smallest_seen(change)

    def _since(self, row: Scenario, baseline: Baseline, launches: int) -> float | None:
        """Return the smallest loss that any look of the run could see, or None."""
        rule = self._rule(row, launches, side_by_side=False)
        if self._is_elsewhere(row, baseline):
            return None
        looks = range(min(FEWEST_LAUNCHES, launches), launches + 1)
        try:
            return min(
                rule.smallest_seen(
                    foreseen_since(look, *baseline.samples, quantity=_quantity(row))
                )
                for look in looks
            )
        except NotMeasuredError:
            return None

    def _rule(self, row: Scenario, launches: int, *, side_by_side: bool) -> Rule:
        quantity = _quantity(row)
        return Rule(
            planned=launches,
            scenarios=len(self.settings.scenarios),
            tolerance=row.tolerances(side_by_side=side_by_side)[quantity.name],
            share=quantity.share,
        )

    def _launches(self, row: Scenario, baseline: Baseline | None) -> int:
        """Return how many launches the time allows.

        They are the profile's where there is no time limit, no baseline that tells how
        long a block lasts, or a search, whose length nobody knows beforehand.
        """
        settings = self.settings
        planned = settings.profile_of(row).launches
        budget_s = settings.budgets_s(settings.scenarios).get(row.name)
        if budget_s is None or baseline is None or row.seeks_capacity:
            return planned
        course = Course(profile=settings.profile, budget_s=None, decided=lambda *_: False)
        rps = min(block.scenario.rps for block in baseline.sample.pairs)
        blocks_s = 2.0 * course.pairs_per_launch * settings.block_images(row) / rps
        fitting = int(budget_s / (blocks_s + _LAUNCH_S)) - BRIEF_LAUNCHES
        return max(FEWEST_LAUNCHES, fitting)


def _more(differences: int) -> str:
    if not differences:
        return ""
    return f"; {differences} more difference{'s' if differences > 1 else ''}"


def _described(baseline: Baseline) -> str:
    number = len(baseline.runs)
    runs = "1 run" if number == 1 else f"{number} runs"
    newest = max(run.recorded for run in baseline.runs)[:10]
    commit = "its commit is not in git, so no change can be settled side by side"
    if is_at_hand(baseline.commit):
        commit = f"its commit {baseline.commit[:12]} is in git"
    return f"{baseline.path.name}, {runs}, the newest of {newest}, {commit}"


def _quantity(row: Scenario) -> Quantity:
    if row.seeks_capacity:
        return CAPACITY
    return THROUGHPUT if row.rate_rps is None else GOODPUT
