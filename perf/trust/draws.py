"""Runs that are drawn from recorded runs, and judged by the gate's own rule.

Whole launches are drawn at random from one recorded run, so the result has what makes the
blocks of a launch alike. None is drawn twice if enough were recorded: equal launches would
make the error look too small.

- Since a baseline: the run and each run of its baseline come from different recordings, so
  the result has the differences between runs too.
- Side by side: the two trees of a recording are the same code, so either may be called
  ours. Chance decides for each launch.

To simulate a loss, our throughputs are reduced. Live runs show whether a real loss looks
the same (see `perf.trust.live`). This module is pure: it uses a seed and no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from perf.stats import (
    THROUGHPUT,
    Change,
    Pair,
    Rule,
    Sample,
    Verdict,
    estimate_change,
    estimate_side_by_side,
)

Launches = Sequence[Sequence[Pair]]
"""The pairs of each launch of one scenario, in one run."""

Runs = Sequence[Mapping[str, Launches]]
"""Recorded runs of one machine: the launches of each scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How runs are drawn and judged."""

    planned: int
    """The most launches of a run."""

    tolerances: Mapping[str, float]
    """The tolerance of each scenario, as a share."""

    baseline_runs: int = 1
    """How many runs a baseline has."""

    pairs: int = 2
    """How many pairs a launch has. Of a recorded launch with more, the first are used."""

    def rule(self, name: str, scenarios: int) -> Rule:
        """Return how the throughput of a scenario is judged in a run of so many."""
        return Rule(
            planned=self.planned,
            scenarios=scenarios,
            tolerance=self.tolerances[name],
            share=THROUGHPUT.share,
        )


class Draws(Protocol):
    """A way to draw runs and to judge them."""

    @property
    def names(self) -> list[str]:
        """The scenarios."""

    def outcome(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Verdict, int]:
        """Draw a run of one scenario; return its verdict and how many launches it took.

        `factor` multiplies our throughputs.
        """


@dataclass(frozen=True, slots=True)
class SinceBaseline:
    """Draws runs that are judged by a baseline."""

    runs: Runs
    plan: Plan

    @property
    def names(self) -> list[str]:
        """The scenarios with enough recorded runs for a run and its baseline."""
        counts = Counter(name for run in self.runs for name in run)
        return sorted(n for n, count in counts.items() if count > self.plan.baseline_runs)

    def chosen(self, name: str, rng: np.random.Generator) -> list[Launches]:
        """Return different recorded runs: one for the run, the others for its baseline."""
        having = [run[name] for run in self.runs if name in run]
        size = 1 + self.plan.baseline_runs
        return [having[which] for which in rng.choice(len(having), size, replace=False)]

    def draw(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Launches, Callable[[Sample], Change]]:
        """Return the launches of a run, and what estimates its change."""
        current, *others = self.chosen(name, rng)
        baseline = [Sample(p for launch in run for p in launch) for run in others]
        drawn = drawn_launches(current, self.plan, factor, rng)
        return drawn, lambda sample: estimate_change(sample, *baseline)

    def outcome(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Verdict, int]:
        """Draw a run and judge it by the gate's rule."""
        rule = self.plan.rule(name, len(self.names))
        return first_verdict(*self.draw(name, factor, rng), rule)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Draws runs side by side."""

    runs: Runs
    plan: Plan

    paced: bool = True
    """Whether the pace is taken out."""

    @property
    def names(self) -> list[str]:
        """The scenarios of the recordings."""
        return sorted({name for run in self.runs for name in run})

    def draw(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Launches, Callable[[Sample], Change]]:
        """Return the launches of a run, and what estimates its change."""
        every = [launch for run in self.runs if name in run for launch in run[name]]
        if not self.paced:
            every = [[_without_pace(pair) for pair in launch] for launch in every]
        drawn = drawn_launches(every, self.plan, 1.0, rng)
        swapped = [
            [_swapped(pair) for pair in launch] if rng.random() < 0.5 else launch  # noqa: PLR2004 -- a fair coin
            for launch in drawn
        ]
        return [[slowed(p, factor) for p in launch] for launch in swapped], _beside

    def outcome(
        self, name: str, factor: float, rng: np.random.Generator
    ) -> tuple[Verdict, int]:
        """Draw a run and judge it by the gate's rule."""
        rule = self.plan.rule(name, len(self.names))
        return first_verdict(*self.draw(name, factor, rng), rule)


@dataclass(slots=True)
class Tally:
    """The counts over drawn runs."""

    runs: int = 0

    alarms: int = 0
    """The runs in which some scenario was called regressed or improved."""

    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    """The verdicts on each scenario."""

    launches: dict[str, list[int]] = field(default_factory=dict)
    """How many launches the verdict on each scenario took, one entry for each run."""


def tally(draw: Draws, *, number: int, seed: int, loss: float = 0.0) -> Tally:
    """Return the counts over `number` drawn runs in which every scenario has `loss`."""
    rng = np.random.default_rng(seed)
    counts = Tally()
    names = draw.names
    for _ in range(number):
        alarm = False
        for name in names:
            verdict, taken = draw.outcome(name, 1.0 - loss, rng)
            counts.verdicts.setdefault(name, Counter())[verdict] += 1
            counts.launches.setdefault(name, []).append(taken)
            alarm |= verdict in {Verdict.REGRESSED, Verdict.IMPROVED}
        counts.runs += 1
        counts.alarms += alarm
    return counts


def first_verdict(
    launches: Launches, estimate: Callable[[Sample], Change], rule: Rule
) -> tuple[Verdict, int]:
    """Judge after every launch; return the first certain verdict and its launch.

    Where no verdict is certain, the last one and the number of launches are returned.
    """
    verdict = Verdict.INCONCLUSIVE
    for seen in range(2, len(launches) + 1):
        sample = Sample(pair for launch in launches[:seen] for pair in launch)
        verdict = rule.verdict(estimate(sample))
        if verdict.is_certain:
            return verdict, seen
    return verdict, len(launches)


def drawn_launches(
    launches: Launches, plan: Plan, factor: float, rng: np.random.Generator
) -> list[list[Pair]]:
    """Return the planned launches, drawn at random and numbered in order.

    The scenario's throughputs are multiplied by `factor`.
    """
    again = len(launches) < plan.planned
    drawn = rng.choice(len(launches), size=plan.planned, replace=again)
    return [
        [
            replace(slowed(pair, factor), launch=place)
            for pair in launches[which][: plan.pairs]
        ]
        for place, which in enumerate(drawn)
    ]


def slowed(pair: Pair, factor: float) -> Pair:
    """Return the pair with the scenario's throughput multiplied by `factor`."""
    block = replace(pair.scenario, rps=pair.scenario.rps * factor)
    return replace(pair, scenario=block)


def _beside(sample: Sample) -> Change:
    return estimate_side_by_side(sample)


def _swapped(pair: Pair) -> Pair:
    return replace(pair, scenario=pair.reference, reference=pair.scenario)


def _without_pace(pair: Pair) -> Pair:
    blocks = (replace(block, pace=1.0) for block in (pair.scenario, pair.reference))
    scenario, reference = blocks
    return replace(pair, scenario=scenario, reference=reference)
