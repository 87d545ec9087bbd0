"""The operating curve: how often a verdict is wrong, and how often it sees a loss.

This module is pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from perf.stats import Pair, Verdict
from perf.trust.draws import Draws, SinceBaseline, Tally, tally
from perf.trust.rivals import RIVALS

LOSSES = (0.0, 0.02, 0.03, 0.05, 0.10)
"""The simulated losses of throughput, as shares."""

_CONFIDENCE = 0.95


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
        return f"{self.share:.1%} [{low:.1%}, {high:.1%}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The operating curve of one way to compare; its rates are by (scenario, loss)."""

    alarms: Rate
    """The share of unchanged runs in which some scenario is called changed."""

    regressed: Mapping[tuple[str, float], Rate]
    """The share of runs in which the scenario is called regressed."""

    certain: Mapping[str, Rate]
    """The share of unchanged runs in which the scenario is called unchanged."""

    launches: Mapping[tuple[str, float], float]
    """The median of the launches until the verdict."""

    @property
    def names(self) -> list[str]:
        """The scenarios."""
        return sorted(self.certain)


def operating_curve(draw: Draws, *, number: int, seed: int) -> Curve:
    """Return the curve from `number` drawn runs for each loss."""
    tallies = {
        loss: tally(draw, number=number, seed=seed + place, loss=loss)
        for place, loss in enumerate(LOSSES)
    }
    names = draw.names
    return Curve(
        alarms=Rate(tallies[0.0].alarms, number),
        regressed={
            (name, loss): _rate(counts, name, Verdict.REGRESSED)
            for loss, counts in tallies.items()
            for name in names
        },
        certain={name: _rate(tallies[0.0], name, Verdict.UNCHANGED) for name in names},
        launches={
            (name, loss): float(np.median(counts.launches[name]))
            for loss, counts in tallies.items()
            for name in names
        },
    )


def rival_rates(
    draw: SinceBaseline, *, number: int, seed: int
) -> dict[tuple[str, float], Rate]:
    """Return by (rule, loss) how often other rules call a scenario slower.

    For a loss of 0, it is the share of runs in which a rule calls any scenario slower.
    Each rule compares one recorded run with one other, because none of them keeps more
    than one run or stops early.
    """
    rates: dict[tuple[str, float], Rate] = {}
    names = draw.names
    for place, loss in enumerate(LOSSES):
        rng = np.random.default_rng(seed + place)
        hits = dict.fromkeys(RIVALS, 0)
        for _ in range(number):
            called = dict.fromkeys(RIVALS, 0)
            for name in names:
                current, other, *_ = draw.chosen(name, rng)
                before = _durations(other, draw.plan.planned, rng)
                after = _durations(current, draw.plan.planned, rng) / (1.0 - loss)
                for rival, rule in RIVALS.items():
                    called[rival] += rule(before.tolist(), after.tolist())
            for rival, count in called.items():
                hits[rival] += count if loss else count > 0
        judged = number * (len(names) if loss else 1)
        rates |= {(rival, loss): Rate(hits[rival], judged) for rival in RIVALS}
    return rates


def _rate(counts: Tally, name: str, wanted: Verdict) -> Rate:
    return Rate(counts.verdicts[name][wanted], counts.runs)


def _durations(
    launches: Sequence[Sequence[Pair]], number: int, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the seconds that an image took in each block of drawn launches."""
    chosen = rng.integers(len(launches), size=number)
    return np.array(
        [1.0 / pair.scenario.rps for which in chosen for pair in launches[which]]
    )
