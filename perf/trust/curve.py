"""The operating curve: how often each rule calls a slow-down, by how slow it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from perf.stats import Pair, Verdict
from perf.trust.resample import Plan, Run, Tally, draw, drawable, some_runs
from perf.trust.rivals import RIVALS

LOSSES = (0.0, 0.02, 0.05, 0.10, 0.20, 0.30)
OURS = "this suite"
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened: `hits` of `drawn`, with Wilson's interval.

    Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 1927.
    """

    hits: int
    drawn: int

    @property
    def share(self) -> float:
        """Return hits over drawn."""
        return self.hits / self.drawn

    @property
    def interval(self) -> tuple[float, float]:
        """Return both ends of the 95 % interval."""
        found = binomtest(self.hits, self.drawn).proportion_ci(_CONFIDENCE, "wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.2%} [{low:.2%}, {high:.2%}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What was drawn.

    `alarms` is the share of runs without any change in which some scenario is called
    regressed. `power` maps scenario and loss to the share of runs in which the
    scenario, alone slowed down by so much, is called so; `passed` to the share in which
    it is called unchanged or improved, and `launches` to the median of what it took.
    `rivals` maps a rule's name and a loss to its own share, over all scenarios alike;
    for a loss of 0 it is that of runs in which any scenario is called slower.
    """

    alarms: Rate
    power: Mapping[tuple[str, float], Rate]
    passed: Mapping[tuple[str, float], Rate]
    launches: Mapping[tuple[str, float], float]
    rivals: Mapping[tuple[str, float], Rate]


def operating_curve(
    runs: Sequence[Run],
    plan: Plan,
    *,
    number: int,
    seed: int,
    losses: Sequence[float] = LOSSES,
) -> Curve:
    """Return the curve over `number` drawn runs a point, the same seeds for every rule."""
    names = drawable(runs, plan)
    power: dict[tuple[str, float], Rate] = {}
    passed: dict[tuple[str, float], Rate] = {}
    launches: dict[tuple[str, float], float] = {}
    alarms = Rate(0, number)
    for place, loss in enumerate(losses):
        # Every scenario is slowed down in the same drawn runs: they are judged one by
        # one, so what holds for each alone can be read off one drawing.
        tally = draw(
            runs, plan, number=number, seed=seed + place, slower=dict.fromkeys(names, loss)
        )
        if loss == 0.0:
            alarms = Rate(tally.alarms, number)
        for name in names:
            key = (name, loss)
            power[key] = _rate(tally, name, {Verdict.REGRESSED})
            passed[key] = _rate(tally, name, {Verdict.UNCHANGED, Verdict.IMPROVED})
            launches[key] = float(np.median(tally.launches[name]))
    return Curve(
        alarms=alarms,
        power=power,
        passed=passed,
        launches=launches,
        rivals=_rivals(runs, plan, number=number, seed=seed, losses=losses),
    )


def power_of(
    runs: Sequence[Run], plan: Plan, *, number: int, seed: int
) -> dict[tuple[str, float], Rate]:
    """Return how often each scenario is called regressed, by its loss, as in a Curve."""
    names = drawable(runs, plan)
    found: dict[tuple[str, float], Rate] = {}
    for place, loss in enumerate(LOSSES):
        slower = dict.fromkeys(names, loss)
        tally = draw(runs, plan, number=number, seed=seed + place, slower=slower)
        found |= {(name, loss): _rate(tally, name, {Verdict.REGRESSED}) for name in names}
    return found


def _rate(tally: Tally, name: str, wanted: set[Verdict]) -> Rate:
    counts = tally.verdicts[name]
    return Rate(sum(counts[verdict] for verdict in wanted), tally.drawn)


def _rivals(
    runs: Sequence[Run], plan: Plan, *, number: int, seed: int, losses: Sequence[float]
) -> dict[tuple[str, float], Rate]:
    """Return what the other rules say of runs drawn in the same way, as long as ours.

    They see one run against another, both with all the launches planned: none of them
    keeps more, and none stops early.
    """
    rates: dict[tuple[str, float], Rate] = {}
    names = drawable(runs, plan)
    for place, loss in enumerate(losses):
        rng = np.random.default_rng(seed + place)
        hits = dict.fromkeys(RIVALS, 0)
        judged = 0
        for _ in range(number):
            called = dict.fromkeys(RIVALS, 0)
            for name in names:
                now, then, *_ = some_runs(runs, name, plan, rng)
                before = _durations(then, plan, rng)
                after = _durations(now, plan, rng) / (1.0 - loss)
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
    chosen = rng.integers(len(launches), size=plan.planned)
    return np.array(
        [1.0 / pair.scenario_rps for which in chosen for pair in launches[which]]
    )
