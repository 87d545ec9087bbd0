"""A constant rate: the time between two starts is always the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from perf.load.arrivals.rate import rate_of


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """The first job begins with the block, the others follow at `rate_rps`."""

    rate_rps: float
    name: ClassVar[str] = "constant"

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return the pattern at that rate; raises ValueError."""
        if argument:
            raise ValueError(f"{cls.name} takes no argument but its rate")
        return cls(rate_of(cls.name, rate_rps))

    def seeded(self, seed: int) -> Self:  # noqa: ARG002 -- nothing is drawn
        """Return itself."""
        return self

    def at_rate(self, rate_rps: float) -> Self:
        """Return the pattern at another rate."""
        return type(self)(rate_rps)

    def times_s(self) -> Iterator[float | None]:
        """Yield multiples of the period."""
        return (job / self.rate_rps for job in itertools.count())
