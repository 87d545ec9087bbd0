"""How often change points are wrong: on histories that are drawn, and on recorded ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perf.stats.change_points import FEWEST_RUNS, change_points
from perf.trust.curve import Rate

RUN_SD = 0.02
"""The deviation of runs of unchanged code, as recorded machines have it."""

LENGTHS = (20, 30, 60, 120)
"""How many runs a history has."""

LOSSES = (0.03, 0.05, 0.10)
STEPPED = 60
"""How many runs a history with a loss has."""

AFTER = (6, 20)
"""So many runs after the loss it is looked for."""

_NEAR = 2  # runs: what lies farther from the true place is another change
_Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], _Floats]


@dataclass(frozen=True, slots=True)
class Found:
    """How often a loss is found."""

    noise: str
    loss: float
    after: int

    found: Rate
    """At most two runs from its place."""

    exact: Rate
    """At its place."""


def white(rng: np.random.Generator, number: int) -> _Floats:
    """Return independent normal runs."""
    return rng.normal(0.0, RUN_SD, number)


def heavy(rng: np.random.Generator, number: int) -> _Floats:
    """Return independent runs with Student's t of 3 degrees of freedom."""
    return rng.standard_t(3, number) * RUN_SD / math.sqrt(3.0)


def resembling(correlation: float) -> Draw:
    """Return what draws an autoregression of first order."""

    def draw(rng: np.random.Generator, number: int) -> _Floats:
        values = rng.normal(0.0, RUN_SD, number)
        fresh = math.sqrt(1.0 - correlation**2)
        for place in range(1, number):
            values[place] = correlation * values[place - 1] + fresh * values[place]
        return values

    return draw


NOISES: dict[str, Draw] = {
    "independent": white,
    "heavy tails": heavy,
    "correlation 0.3": resembling(0.3),
    "correlation 0.6": resembling(0.6),
    "correlation 0.9": resembling(0.9),
}
"""How runs of unchanged code may vary."""


def false_alarms(draw: Draw, length: int, number: int, seed: int) -> Rate:
    """Return how often a history without a change has one, on its last night."""
    rngs = [np.random.default_rng([seed, one]) for one in range(number)]
    seen = [bool(change_points(draw(rng, length), rng)) for rng in rngs]
    return Rate(sum(seen), number)


def nightly_alarms(draw: Draw, length: int, number: int, seed: int) -> Rate:
    """Return how often it has one on some night, if it is looked at every night."""
    alarms = 0
    for one in range(number):
        rng = np.random.default_rng([seed, one])
        values = draw(rng, length)
        nights = range(2 * FEWEST_RUNS, length + 1)
        alarms += any(change_points(values[:night], rng) for night in nights)
    return Rate(alarms, number)


def found_losses(noise: str, number: int, seed: int) -> list[Found]:
    """Return how often each loss is found, at each time after it."""
    rows = []
    for loss in LOSSES:
        for after in AFTER:
            at, near, exact = STEPPED - after, 0, 0
            for one in range(number):
                rng = np.random.default_rng([seed, one])
                values = NOISES[noise](rng, STEPPED)
                values[at:] += math.log1p(-loss)
                places = change_points(values, rng)
                near += any(abs(place - at) <= _NEAR for place in places)
                exact += at in places
            rows.append(Found(noise, loss, after, Rate(near, number), Rate(exact, number)))
    return rows


def alarms_in(histories: Sequence[Sequence[float]], seed: int) -> Rate:
    """Return in how many recorded histories of unchanged code a change is found."""
    rngs = [np.random.default_rng([seed, one]) for one in range(len(histories))]
    found = [bool(change_points(v, r)) for v, r in zip(histories, rngs, strict=True)]
    return Rate(sum(found), len(histories))
