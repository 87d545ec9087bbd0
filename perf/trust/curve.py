"""The operating curve: how often each rule calls a scenario slower, for several losses.

This module is pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from perf.stats import Pair, Verdict
from perf.trust.resample import (
    LaunchesByScenario,
    Plan,
    Tally,
    choose_runs,
    resample,
    usable_scenarios,
)
from perf.trust.rivals import RIVALS

LOSSES = (0.0, 0.02, 0.05, 0.10, 0.20, 0.30)
"""The simulated losses of throughput, as shares."""

OURS = "this suite"
_CONFIDENCE = 0.95
_PASSED = {Verdict.UNCHANGED, Verdict.IMPROVED}
_ByLoss = Mapping[tuple[str, float], "Rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, `hits` of `total`, with Wilson's interval.

    Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 1927.
    """

    hits: int
    total: int

    @property
    def share(self) -> float:
        """Return hits over total."""
        return self.hits / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Return both ends of the 95 % interval."""
        found = binomtest(self.hits, self.total).proportion_ci(_CONFIDENCE, "wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.2%} [{low:.2%}, {high:.2%}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The operating curve; most of its rates are by (scenario, loss)."""

    alarms: Rate
    """The share of runs without a change in which some scenario is called regressed."""

    power: _ByLoss
    """The share of runs in which the scenario is called regressed."""

    passed: _ByLoss
    """The share of runs in which the scenario is called unchanged or improved."""

    launches: Mapping[tuple[str, float], float]
    """The median of the launches until the verdict."""

    rivals: _ByLoss
    """By (rule, loss): the share of slower scenarios that another rule calls slower.

    For a loss of 0, it is the share of runs in which it calls any scenario slower.
    """


def operating_curve(
    runs: Sequence[LaunchesByScenario],
    plan: Plan,
    *,
    number: int,
    seed: int,
    losses: Sequence[float] = LOSSES,
) -> Curve:
    """Return the curve from `number` resampled runs for each loss.

    All rules get the same seeds.
    """
    power: dict[tuple[str, float], Rate] = {}
    passed: dict[tuple[str, float], Rate] = {}
    launches: dict[tuple[str, float], float] = {}
    alarms = Rate(0, number)
    for place, loss in enumerate(losses):
        tally = _resample_all(runs, plan, loss, number=number, seed=seed + place)
        if loss == 0.0:
            alarms = Rate(tally.alarms, number)
        for name in tally.verdicts:
            key = (name, loss)
            power[key] = _rate(tally, name, {Verdict.REGRESSED})
            passed[key] = _rate(tally, name, _PASSED)
            launches[key] = float(np.median(tally.launches[name]))
    return Curve(
        alarms=alarms,
        power=power,
        passed=passed,
        launches=launches,
        rivals=_rivals(runs, plan, number=number, seed=seed, losses=losses),
    )


def power_of(
    runs: Sequence[LaunchesByScenario], plan: Plan, *, number: int, seed: int
) -> dict[tuple[str, float], Rate]:
    """Return how often each scenario is called regressed, as in `Curve.power`."""
    found: dict[tuple[str, float], Rate] = {}
    for place, loss in enumerate(LOSSES):
        tally = _resample_all(runs, plan, loss, number=number, seed=seed + place)
        for name in tally.verdicts:
            found[name, loss] = _rate(tally, name, {Verdict.REGRESSED})
    return found


def _resample_all(
    runs: Sequence[LaunchesByScenario], plan: Plan, loss: float, *, number: int, seed: int
) -> Tally:
    """Return the counts over runs in which every scenario has the same loss.

    Scenarios are judged one by one, so the counts of each are those of a run in which it
    alone has the loss.
    """
    losses = dict.fromkeys(usable_scenarios(runs, plan), loss)
    return resample(runs, plan, number=number, seed=seed, losses=losses)


def _rate(tally: Tally, name: str, wanted: set[Verdict]) -> Rate:
    counts = tally.verdicts[name]
    return Rate(sum(counts[verdict] for verdict in wanted), tally.runs)


def _rivals(
    runs: Sequence[LaunchesByScenario],
    plan: Plan,
    *,
    number: int,
    seed: int,
    losses: Sequence[float],
) -> dict[tuple[str, float], Rate]:
    """Return the rates of the other rules, for runs that are resampled in the same way.

    Each rule compares one run with one other, both with all planned launches, because
    none of them keeps more than one run or stops early.
    """
    rates: dict[tuple[str, float], Rate] = {}
    names = usable_scenarios(runs, plan)
    for place, loss in enumerate(losses):
        rng = np.random.default_rng(seed + place)
        hits = dict.fromkeys(RIVALS, 0)
        judged = 0
        for _ in range(number):
            called = dict.fromkeys(RIVALS, 0)
            for name in names:
                current, other, *_ = choose_runs(runs, name, plan, rng)
                before = _durations(other, plan, rng)
                after = _durations(current, plan, rng) / (1.0 - loss)
                for rival, rule in RIVALS.items():
                    called[rival] += rule(before.tolist(), after.tolist())
            judged += len(names) if loss else 1
            for rival, count in called.items():
                hits[rival] += count if loss else count > 0
        rates |= {(rival, loss): Rate(hits[rival], judged) for rival in RIVALS}
    return rates


def _durations(
    launches: Sequence[Sequence[Pair]], plan: Plan, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the seconds that an image took in each block of resampled launches."""
    chosen = rng.integers(len(launches), size=plan.planned)
    return np.array(
        [1.0 / pair.scenario_rps for which in chosen for pair in launches[which]]
    )
