"""Random gaps from a gamma distribution: more or less bursty than a Poisson process.

The shape of the distribution is the *burstiness*, as other load generators call it: at 1
the gaps are exponential (Poisson), below 1 the jobs come in bursts, above 1 they come more
evenly. The mean gap is one over the rate, whatever the shape.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from perf.load.arrivals.rate import positive, rate_of


@dataclass(frozen=True, slots=True)
class GammaArrivals:
    """Independent gaps with a mean of 1 / `rate_rps` seconds.

    The times are not rescaled afterwards: a block may have a few jobs more or fewer in a
    second than the rate says, as real arrivals do.
    """

    rate_rps: float

    burstiness: float
    """The shape of the distribution; the deviation of the gaps is 1 / sqrt(shape) means."""

    seed: int = 0
    """Decides the gaps."""

    name: ClassVar[str] = "gamma"

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return the pattern for `gamma:BURSTINESS` at that rate; raises ValueError."""
        if not argument:
            raise ValueError(f"{cls.name} needs a burstiness, as in {cls.name}:0.5")
        return cls(rate_of(cls.name, rate_rps), positive(argument, "the burstiness"))

    def seeded(self, seed: int) -> Self:
        """Return the pattern with other gaps."""
        return replace(self, seed=seed)

    def at_rate(self, rate_rps: float) -> Self:
        """Return the pattern at another rate, its gaps stretched."""
        return replace(self, rate_rps=rate_rps)

    def times_s(self) -> Iterator[float | None]:
        """Yield the sums of the gaps; the first job waits for a gap too."""
        draw = random.Random(self.seed)  # noqa: S311 -- random gaps, not a secret
        scale_s = 1.0 / (self.rate_rps * self.burstiness)
        gaps_s = (draw.gammavariate(self.burstiness, scale_s) for _ in itertools.count())
        return itertools.accumulate(gaps_s)
