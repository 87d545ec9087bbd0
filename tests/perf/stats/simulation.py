"""Simulated runs, for the tests of perf/stats/."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perf.stats import Block, Change, Pair, Sample
from perf.stats.moderated import Prior

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arms:
    """What one run has measured, as natural logarithms: shape (launches, pairs in each)."""

    scenario: Floats
    reference: Floats | None = None
    """None where the reference always has the same throughput."""

    scenario_pace: Floats | None = None
    reference_pace: Floats | None = None
    """A pace of None is always 1."""

    def sample(self) -> Sample:
        """Return the run."""
        nothing = np.zeros(self.scenario.shape)
        columns = [
            np.exp(nothing if logs is None else logs).ravel().tolist()
            for logs in (
                self.scenario,
                self.scenario_pace,
                self.reference,
                self.reference_pace,
            )
        ]
        each = self.scenario.shape[1]
        return Sample(
            Pair(Block(ours, pace), Block(theirs, other), place // each)
            for place, (ours, pace, theirs, other) in enumerate(zip(*columns, strict=True))
        )


def sd_of_a_machine(rng: np.random.Generator, prior: Prior) -> float:
    """Return the standard deviation of a machine, drawn from what `prior` says of all."""
    return prior.sd * math.sqrt(prior.freedom / rng.chisquare(prior.freedom))


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    launch: float,
    block: float,
    heavy: bool = False,
) -> Floats:
    """Return the noise of blocks; `shape` is (launches, pairs in each launch).

    `launch` and `block` are standard deviations. With `heavy`, the noise has the shape of
    Student's t with 3 degrees of freedom, else it is normal.
    """

    def drawn(size: tuple[int, int]) -> Floats:
        if heavy:
            return np.asarray(rng.standard_t(3, size) / math.sqrt(3.0))
        return rng.normal(size=size)

    return np.asarray(launch * drawn((shape[0], 1)) + block * drawn(shape))


class Misses:
    """How many 95 % intervals do not contain the truth."""

    def __init__(self) -> None:
        self.below = self.above = self.number = 0

    def count(self, change: Change, truth: float) -> None:
        """Count the interval of one change."""
        self.number += 1
        half = change.half_width(0.025)
        self.below += change.point + half < truth
        self.above += change.point - half > truth

    @property
    def margin(self) -> float:
        """Four standard errors of the number of misses on one side."""
        return 4.0 * math.sqrt(0.025 * 0.975 * self.number)

    def assert_nominal(self) -> None:
        """Assert that 2.5 % lie on each side, within four standard errors."""
        self.assert_no_more_than_nominal()
        assert min(self.below, self.above) >= 0.025 * self.number - self.margin

    def assert_no_more_than_nominal(self) -> None:
        """Assert that at most 2.5 % lie on each side, within four standard errors."""
        assert max(self.below, self.above) <= 0.025 * self.number + self.margin
