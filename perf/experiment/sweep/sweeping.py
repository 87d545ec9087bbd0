"""Run a sweep: race its points, then measure the best anew, beside today's row."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perf.config.scenario import Scenario
from perf.config.sweep import Plan, Point, row_to_paste
from perf.experiment.scheduled_arms import ClientLimitError
from perf.experiment.sweep.journal import Entry, Journal, Launch, entry_of
from perf.experiment.sweep.proposals import MOST, proposed
from perf.experiment.sweep.race import Race, Runner
from perf.report.sweep import FinalPoint, SweepResult, SweptPoint, disturbed_blocks
from perf.stats import (
    Block,
    Estimate,
    NotMeasuredError,
    Pair,
    Quantity,
    Sample,
    estimate_side_by_side,
)
from perf.stats.dominance import estimate_of, mean_of, mean_pace_of, pareto, sample_of
from serving.child import ChildError
from serving.errors import ArtifactError, ConfigError, PerfError

FINAL_ROUNDS = 6
"""How many launches the best points and today's row have, head to head."""

_TAIL = 0.025
_RACE, _FINAL = "race", "final"
_SAID = {_RACE: "race", _FINAL: "head to head"}

MeasureLaunch = Callable[[Scenario, int], Launch]
"""Measures so many blocks in a new launch of a row; raises PerfError."""


@dataclass(slots=True, kw_only=True)
class Sweeping:
    """One sweep."""

    plan: Plan
    quantities: Sequence[Quantity]
    """One for each objective, in their order."""

    header: str
    """What holds for the whole sweep, for the report."""

    journal: Journal
    measure_launch: MeasureLaunch
    say: Callable[[str], None]
    """Shows a line of progress."""

    seed: int
    final_rounds: int = FINAL_ROUNDS

    _points: dict[str, Point] = field(default_factory=dict, init=False)
    _took_s: list[float] = field(default_factory=list, init=False)
    _race: Race | None = field(default=None, init=False)

    def run(self) -> SweepResult:
        """Measure everything that the journal does not hold, and return the result."""
        plan = self.plan
        self._points = {one.key: one for one in (*plan.points, plan.today)}
        keys = proposed(plan, self.quantities, self._first_blocks, self.seed)
        race = self._race = Race(
            points=keys,
            quantities=self.quantities,
            rounds=plan.sweep.rounds,
            seed=self.seed,
            measure=lambda point, number: self._launch(_RACE, point, number),
        )
        runners = race.run()
        best = self._best_two(runners)
        finals = self._final(best) if best else []
        return SweepResult(
            name=plan.name,
            header=self.header,
            objectives=plan.sweep.objectives,
            points=self._swept(runners),
            finals=finals,
            infeasible=plan.infeasible,
            winner=self._winner(finals),
        )

    def _first_blocks(self, point: str) -> Sequence[Block] | None:
        entry = self._launch(_RACE, point, 0)
        return [block.block() for block in entry.blocks] or None

    def _launch(self, stage: str, key: str, number: int) -> Entry:
        """Return a launch from the journal, or measure it."""
        known = self.journal.find(stage, key, number)
        if known is not None:
            return known
        began_s = time.monotonic()
        measured: Launch | str
        keep = True
        try:
            measured = self.measure_launch(self._points[key].row, self.plan.sweep.blocks)
        except (ConfigError, ArtifactError, ChildError):
            raise  # no fault of the point: it is measured when the sweep goes on
        except PerfError as fault:
            measured = str(fault).partition("\n")[0]
            # A client that was the limit is no property of the point either.
            keep = not isinstance(fault, ClientLimitError)
        entry = entry_of(stage, key, number, measured)
        self.journal.add(entry, keep=keep)
        self._took_s.append(time.monotonic() - began_s)
        self._tell(stage, key, number, entry)
        return entry

    def _tell(self, stage: str, key: str, number: int, entry: Entry) -> None:
        """Say what was measured, and how long the rest takes at most."""
        mean_s = sum(self._took_s) / len(self._took_s)
        left = 3 * self.final_rounds
        if stage == _RACE and self._race is None:  # proposals: as many again may follow
            left += MOST * self.plan.sweep.rounds - self.journal.launches
        elif stage == _RACE and self._race:
            left += self._race.launches_left(number)
        elif stage == _FINAL:
            left = 3 * (self.final_rounds - number)
        found = entry.failed or ", ".join(f"{block.rps:.3g}/s" for block in entry.blocks)
        if entry.disturbed:
            found += f" ({disturbed_blocks(entry.disturbed)})"
        self.say(
            f"{_SAID[stage]}, round {number + 1}: {key}: {found}; at most "
            f"{max(0, left) * mean_s / 60.0:.0f} min left"
        )

    def _best_two(self, runners: Mapping[str, Runner]) -> list[str]:
        """Return the winner and the runner-up by the first objective."""
        first = self.quantities[0]
        means = {
            key: mean_of(one.sample, first)
            for key, one in runners.items()
            if one.runs and len(one.launches) > 0
        }
        return sorted(means, key=means.__getitem__, reverse=True)[:2]

    def _final(self, best: Sequence[str]) -> list[FinalPoint]:
        """Measure the best and today's row anew, in turn.

        A point that is today's row is not measured beside itself.
        """
        today = self.plan.today.key
        keys = [key for key in best if not self.plan.is_today(self._points[key])]
        if not keys:
            return []
        keys.append(today)
        launches: dict[str, list[list[Block]]] = {key: [] for key in keys}
        for number in range(self.final_rounds):
            # Each takes every place in turn.
            places = [(number + n) % len(keys) for n in range(len(keys))]
            for key in (keys[place] for place in places):
                entry = self._launch(_FINAL, key, number)
                launches[key].append([block.block() for block in entry.blocks])
        return [self._final_point(key, launches) for key in keys]

    def _final_point(
        self, key: str, each: Mapping[str, Sequence[Sequence[Block]]]
    ) -> FinalPoint:
        """Return the values of a point, and its change over today's row.

        `each` has the launches of every point, and of today's row.
        """
        launches, today = each[key], each[self.plan.today.key]
        both = [n for n, blocks in enumerate(launches) if blocks and today[n]]
        objectives = self.plan.sweep.objectives
        own = [launches[n] for n in both]
        pairs = [
            Pair(a, b, n) for n in both for a, b in zip(launches[n], today[n], strict=False)
        ]
        changes: dict[str, Estimate | None] = {}
        if key != self.plan.today.key and len(both) > 1:
            changes = {
                name: _change(Sample(pairs), quantity)
                for name, quantity in zip(objectives, self.quantities, strict=True)
            }
        values = self._values(own, mean_pace_of(each.values()))
        return FinalPoint(key=key, launches=len(both), values=values, changes=changes)

    def _values(
        self, launches: Sequence[Sequence[Block]], mean_pace: float
    ) -> dict[str, Estimate | None]:
        objectives = self.plan.sweep.objectives
        if sum(map(len, launches)) < 2:  # noqa: PLR2004 -- a spread needs two
            return dict.fromkeys(objectives)
        sample = sample_of(launches)
        return {
            name: estimate_of(sample, quantity, _TAIL, mean_pace)
            for name, quantity in zip(objectives, self.quantities, strict=True)
        }

    def _swept(self, runners: Mapping[str, Runner]) -> list[SweptPoint]:
        goodness = {
            key: [mean_of(one.sample, quantity) for quantity in self.quantities]
            for key, one in runners.items()
            if not one.failed
        }
        best = set(pareto(goodness))
        first = {key: values[0] for key, values in goodness.items()}
        ordered = sorted(
            runners, key=lambda key: first.get(key, float("-inf")), reverse=True
        )
        mean_pace = mean_pace_of(one.launches for one in runners.values())
        return [
            SweptPoint(
                key=key,
                launches=len(runners[key].launches),
                values=self._values(runners[key].launches, mean_pace),
                is_best=key in best and not runners[key].beaten_by,
                remark=self._remark(runners[key]),
            )
            for key in ordered
        ]

    def _remark(self, runner: Runner) -> str:
        """Return what is to be known of a point beside its values."""
        if runner.failed:
            return f"failed: {runner.failed}"
        said = [
            "today's settings" if self.plan.is_today(self._points[runner.point]) else "",
            f"beaten by: {runner.beaten_by}" if runner.beaten_by else "",
            disturbed_blocks(runner.disturbed) if runner.disturbed else "",
        ]
        return "; ".join(filter(None, said))

    def _winner(self, finals: Sequence[FinalPoint]) -> str:
        """Return the best of the rows that are surely better than today's, as text."""
        first, better = self.plan.sweep.objectives[0], self.quantities[0].better
        sure: dict[str, float] = {}
        for one in finals:
            change = one.changes.get(first)
            if change and (change.low > 1.0 if better > 0 else change.high < 1.0):
                sure[one.key] = better * math.log(change.point)
        if not sure:
            return ""
        row = self._points[max(sure, key=sure.__getitem__)].row
        return row_to_paste(row, f"{row.name}-swept")


def _change(sample: Sample, quantity: Quantity) -> Estimate | None:
    try:
        change = estimate_side_by_side(sample, quantity)
    except NotMeasuredError:
        return None
    return change.interval(_TAIL, quantity.better)
