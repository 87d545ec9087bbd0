"""Runs that are resampled from recorded runs, and judged by the gate's own rule.

For each scenario, the run and the runs of its baseline come from different recordings, so
the results include the differences between runs. From each recording whole launches are
drawn at random, with replacement, so the results also include what makes the blocks of a
launch alike. Scenarios are resampled one by one, because not every recording has all of
them.

To simulate a loss, the scenario's throughputs are reduced. Live runs show whether a real
loss looks the same (see `perf.trust.live`).

This module is pure: it uses a seed and no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perf.stats import Pair, Rule, Sample, Verdict, estimate_change

Launches = Sequence[Sequence[Pair]]
"""The pairs of each launch of one scenario, in one run."""

LaunchesByScenario = Mapping[str, Launches]
"""All pairs of one recorded run."""

_CONCLUSIVE = {Verdict.REGRESSED, Verdict.UNCHANGED, Verdict.IMPROVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How runs are resampled and judged."""

    planned: int = 4
    """The most launches of a run."""

    baseline_runs: int = 1
    """How many runs a baseline has."""

    baseline_launches: int = 10
    """How many launches each run of a baseline has."""

    tolerance: float = 0.09
    """The tolerance of scenarios that are not in `tolerances`, as a share."""

    tolerances: Mapping[str, float] = field(default_factory=dict)
    """The tolerances of scenarios, as shares."""

    def rule(self, name: str, scenarios: int) -> Rule:
        """Return how the scenario `name` is judged in a run of `scenarios` scenarios."""
        return Rule(
            planned=self.planned,
            scenarios=scenarios,
            tolerance=self.tolerances.get(name, self.tolerance),
        )


@dataclass(slots=True)
class Tally:
    """The counts over resampled runs."""

    runs: int = 0

    alarms: int = 0
    """The runs in which some scenario was called regressed."""

    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    """The verdicts on each scenario."""

    launches: dict[str, list[int]] = field(default_factory=dict)
    """How many launches the verdict on each scenario took, one entry for each run."""


def resample(
    runs: Sequence[LaunchesByScenario],
    plan: Plan,
    *,
    number: int,
    seed: int,
    losses: Mapping[str, float] | None = None,
) -> Tally:
    """Return the counts over `number` resampled runs.

    `losses` maps scenarios to the share of their throughput that they lose.
    """
    rng = np.random.default_rng(seed)
    tally = Tally()
    names = usable_scenarios(runs, plan)
    for _ in range(number):
        alarm = False
        for name in names:
            current, *others = choose_runs(runs, name, plan, rng)
            factor = 1.0 - (losses or {}).get(name, 0.0)
            launches = _resampled(current, plan.planned, rng, factor)
            baseline = [
                _sample(_resampled(run, plan.baseline_launches, rng)) for run in others
            ]
            verdict, taken = first_verdict(launches, baseline, plan.rule(name, len(names)))
            tally.verdicts.setdefault(name, Counter())[verdict] += 1
            tally.launches.setdefault(name, []).append(taken)
            alarm |= verdict is Verdict.REGRESSED
        tally.runs += 1
        tally.alarms += alarm
    return tally


def usable_scenarios(runs: Sequence[LaunchesByScenario], plan: Plan) -> list[str]:
    """Return the scenarios with enough recorded runs for a run and its baseline."""
    counts = Counter(name for run in runs for name in run)
    return sorted(name for name, count in counts.items() if count > plan.baseline_runs)


def choose_runs(
    runs: Sequence[LaunchesByScenario], name: str, plan: Plan, rng: np.random.Generator
) -> list[Launches]:
    """Return the launches of a scenario in randomly chosen, different recorded runs.

    The first is for the current run, the others are for the runs of its baseline.
    """
    having = [run[name] for run in runs if name in run]
    chosen = rng.choice(len(having), size=1 + plan.baseline_runs, replace=False)
    return [having[which] for which in chosen]


def first_verdict(
    current: Launches, baseline: Sequence[Sample], rule: Rule
) -> tuple[Verdict, int]:
    """Judge after every launch, and return the first conclusive verdict and its launch.

    Where no verdict is conclusive, the last one and the number of launches are returned.
    """
    verdict = Verdict.INCONCLUSIVE
    for seen in range(2, len(current) + 1):
        verdict = rule.verdict(estimate_change(_sample(current[:seen]), *baseline))
        if verdict in _CONCLUSIVE:
            return verdict, seen
    return verdict, len(current)


def _sample(launches: Launches) -> Sample:
    return Sample(pair for launch in launches for pair in launch)


def _resampled(
    launches: Launches, number: int, rng: np.random.Generator, factor: float = 1.0
) -> list[list[Pair]]:
    """Return `number` launches, drawn with replacement and numbered in order.

    The scenario's throughputs are multiplied by `factor`.
    """
    return [
        [
            replace(pair, launch=place, scenario_rps=pair.scenario_rps * factor)
            for pair in launches[which]
        ]
        for place, which in enumerate(rng.integers(len(launches), size=number))
    ]
