"""A Poisson process: many independent users, none of whom knows of the others."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from perf.load.arrivals.rate import rate_of


@dataclass(frozen=True, slots=True)
class PoissonArrivals:
    """Independent exponential gaps with a mean of 1 / `rate_rps` seconds.

    The times are not rescaled afterwards: that would remove the variance of the rate.
    """

    rate_rps: float

    seed: int = 0
    """Decides the gaps."""

    name: ClassVar[str] = "poisson"

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return the pattern at that rate; raises ValueError."""
        if argument:
            raise ValueError(f"{cls.name} takes no argument but its rate")
        return cls(rate_of(cls.name, rate_rps))

    def seeded(self, seed: int) -> Self:
        """Return the pattern with other gaps."""
        return replace(self, seed=seed)

    def at_rate(self, rate_rps: float) -> Self:
        """Return the pattern at another rate, its gaps stretched."""
        return replace(self, rate_rps=rate_rps)

    def times_s(self) -> Iterator[float | None]:
        """Yield the sums of the gaps; the first job waits for a gap too."""
        draw = random.Random(self.seed)  # noqa: S311 -- random gaps, not a secret
        gaps_s = (draw.expovariate(self.rate_rps) for _ in itertools.count())
        return itertools.accumulate(gaps_s)
