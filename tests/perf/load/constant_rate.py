"""An arrival pattern for tests: a job every 1 / rate seconds.

The pools' processes import this file, so it needs the standard library alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """The first job begins with the block, the others follow at `rate_rps`."""

    rate_rps: float
    name: ClassVar[str] = "constant"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Return the pattern with that rate; raises ValueError for anything else."""
        return cls(float(argument))

    def times_s(self) -> Iterator[float | None]:
        """Yield multiples of the period."""
        return (job / self.rate_rps for job in itertools.count())
