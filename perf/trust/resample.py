"""Runs drawn again from recorded ones, judged by the gate's own rule.

A scenario's drawn run and the runs of its baseline come from different recordings, so what
makes runs differ is in the result; of each, whole launches are drawn with replacement, so
what makes the blocks of a launch alike is in it too. Scenarios are drawn one by one, for
not every recording has them all. A slow-down divides the scenario's throughputs; how a real
one shows is for live runs to say. Pure: seeded, no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perf.stats import Pair, Rule, Sample, Verdict, estimate_change

Launches = Sequence[Sequence[Pair]]
Run = Mapping[str, Launches]

_DECIDED = {Verdict.REGRESSED, Verdict.UNCHANGED, Verdict.IMPROVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How runs are drawn, and judged.

    A run has at most `planned` launches, a baseline `baseline_runs` of `baseline_launches`
    each. A scenario's tolerance is `tolerance` where `tolerances` has none of its own.
    """

    planned: int = 4
    baseline_runs: int = 1
    baseline_launches: int = 10
    tolerance: float = 0.09
    tolerances: Mapping[str, float] = field(default_factory=dict)

    def rule(self, name: str, scenarios: int) -> Rule:
        """Return how the scenario called `name` is judged in a run of `scenarios`."""
        return Rule(
            planned=self.planned,
            scenarios=scenarios,
            tolerance=self.tolerances.get(name, self.tolerance),
        )


@dataclass(slots=True)
class Tally:
    """What `drawn` runs came to. `alarms` counts runs with any scenario regressed.

    `verdicts` counts each scenario's, `launches` adds up what they took.
    """

    drawn: int = 0
    alarms: int = 0
    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    launches: dict[str, list[int]] = field(default_factory=dict)


def draw(
    runs: Sequence[Run],
    plan: Plan,
    *,
    number: int,
    seed: int,
    slower: Mapping[str, float] | None = None,
) -> Tally:
    """Return what `number` drawn runs come to, the scenarios in `slower` slowed down.

    `slower` maps a scenario to the share of its throughput that it loses.
    """
    rng = np.random.default_rng(seed)
    tally = Tally()
    names = drawable(runs, plan)
    for _ in range(number):
        alarm = False
        for name in names:
            now, *then = some_runs(runs, name, plan, rng)
            factor = 1.0 - (slower or {}).get(name, 0.0)
            current = _drawn(now, plan.planned, rng, factor)
            baseline = [_sample(_drawn(run, plan.baseline_launches, rng)) for run in then]
            verdict, launches = follow(current, baseline, plan.rule(name, len(names)))
            tally.verdicts.setdefault(name, Counter())[verdict] += 1
            tally.launches.setdefault(name, []).append(launches)
            alarm |= verdict is Verdict.REGRESSED
        tally.drawn += 1
        tally.alarms += alarm
    return tally


def drawable(runs: Sequence[Run], plan: Plan) -> list[str]:
    """Return the names of the scenarios of which there are recordings enough."""
    counts = Counter(name for run in runs for name in run)
    return sorted(name for name, count in counts.items() if count > plan.baseline_runs)


def some_runs(
    runs: Sequence[Run], name: str, plan: Plan, rng: np.random.Generator
) -> list[Launches]:
    """Return a scenario's launches in a run and in each of its baseline's.

    They are of different recordings.
    """
    having = [run[name] for run in runs if name in run]
    chosen = rng.choice(len(having), size=1 + plan.baseline_runs, replace=False)
    return [having[which] for which in chosen]


def follow(
    current: Launches, baseline: Sequence[Sample], rule: Rule
) -> tuple[Verdict, int]:
    """Return the verdict on launches as they come, and after how many it was certain."""
    verdict = Verdict.INCONCLUSIVE
    for seen in range(2, len(current) + 1):
        verdict = rule.verdict(estimate_change(_sample(current[:seen]), *baseline))
        if verdict in _DECIDED:
            return verdict, seen
    return verdict, len(current)


def _sample(launches: Launches) -> Sample:
    return Sample(pair for launch in launches for pair in launch)


def _drawn(
    launches: Launches, number: int, rng: np.random.Generator, factor: float = 1.0
) -> list[list[Pair]]:
    """Return `number` launches, each numbered anew, drawn with replacement."""
    return [
        [
            replace(pair, launch=place, scenario_rps=pair.scenario_rps * factor)
            for pair in launches[which]
        ]
        for place, which in enumerate(rng.integers(len(launches), size=number))
    ]
