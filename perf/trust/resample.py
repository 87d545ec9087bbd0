"""Runs drawn again from recorded ones, judged by the gate's own rule.

A drawn run and its baseline come from two different recordings, so what makes runs
differ is in the result; of each, whole launches are drawn with replacement, so what
makes the blocks of a launch alike is in it too. A slow-down divides the scenario's
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
    """How runs are drawn: launches planned, launches of a baseline, and the tolerance."""

    planned: int = 4
    baseline_launches: int = 8
    tolerance: float = 0.12


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
    for _ in range(number):
        now, then = rng.choice(len(runs), size=2, replace=False)
        names = sorted(runs[now].keys() & runs[then].keys())
        alarm = False
        for name in names:
            factor = 1.0 - (slower or {}).get(name, 0.0)
            current = _drawn(runs[now][name], plan.planned, rng, factor)
            baseline = Sample(
                pair
                for launch in _drawn(runs[then][name], plan.baseline_launches, rng)
                for pair in launch
            )
            rule = Rule(
                planned=plan.planned, scenarios=len(names), tolerance=plan.tolerance
            )
            verdict, launches = follow(current, baseline, rule)
            tally.verdicts.setdefault(name, Counter())[verdict] += 1
            tally.launches.setdefault(name, []).append(launches)
            alarm |= verdict is Verdict.REGRESSED
        tally.drawn += 1
        tally.alarms += alarm
    return tally


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
