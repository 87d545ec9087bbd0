"""Runs drawn again from recorded ones, judged by the gate's own rule.

A scenario's drawn run and its baseline come from two different recordings, so what makes
runs differ is in the result; of each, whole launches are drawn with replacement, so what
makes the blocks of a launch alike is in it too. Scenarios are drawn one by one, for not
every recording has them all. A slow-down divides the scenario's
throughputs; how a real one shows is for live runs to say. Pure: seeded, no clock.
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
    """How runs are drawn: launches planned, launches of a baseline, and the tolerances.

    A scenario's tolerance is `tolerance` where `tolerances` has none of its own.
    """

    planned: int = 4
    baseline_launches: int = 8
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
    names = drawable(runs)
    for _ in range(number):
        alarm = False
        for name in names:
            now, then = two_runs(runs, name, rng)
            factor = 1.0 - (slower or {}).get(name, 0.0)
            current = _drawn(now, plan.planned, rng, factor)
            baseline = Sample(
                pair
                for launch in _drawn(then, plan.baseline_launches, rng)
                for pair in launch
            )
            verdict, launches = follow(current, baseline, plan.rule(name, len(names)))
            tally.verdicts.setdefault(name, Counter())[verdict] += 1
            tally.launches.setdefault(name, []).append(launches)
            alarm |= verdict is Verdict.REGRESSED
        tally.drawn += 1
        tally.alarms += alarm
    return tally


def drawable(runs: Sequence[Run]) -> list[str]:
    """Return the names of the scenarios that two recordings or more have."""
    counts = Counter(name for run in runs for name in run)
    return sorted(name for name, count in counts.items() if count > 1)


def two_runs(
    runs: Sequence[Run], name: str, rng: np.random.Generator
) -> tuple[Launches, Launches]:
    """Return a scenario's launches in two recordings, drawn without replacement."""
    having = [run[name] for run in runs if name in run]
    now, then = rng.choice(len(having), size=2, replace=False)
    return having[now], having[then]


def follow(current: Launches, baseline: Sample, rule: Rule) -> tuple[Verdict, int]:
    """Return the verdict on launches as they come, and after how many it was certain."""
    verdict = Verdict.INCONCLUSIVE
    for seen in range(2, len(current) + 1):
        sample = Sample(pair for launch in current[:seen] for pair in launch)
        verdict = rule.verdict(estimate_change(sample, baseline))
        if verdict in _DECIDED:
            return verdict, seen
    return verdict, len(current)


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
