"""The Protocol of an arrival pattern.

The processes that fork jobs import the patterns, so a pattern's file needs the standard
library alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol, Self


class Arrivals(Protocol):
    """When the jobs of a block begin. A small object that can be pickled."""

    name: ClassVar[str]
    """What a user calls the pattern."""

    @property
    def rate_rps(self) -> float | None:
        """How many jobs begin in a second, on average; None where their ends decide it."""

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return the pattern that `NAME:argument` asks for; `argument` may be empty.

        Raises ValueError, in one line, where the argument or the rate makes no sense.
        """

    def __hash__(self) -> int:
        """Return a hash: equal patterns have the same times."""

    def seeded(self, seed: int) -> Self:
        """Return the pattern with other random times, if it has any."""

    def at_rate(self, rate_rps: float) -> Self:
        """Return the pattern at another rate, with the same random numbers."""

    def times_s(self) -> Iterator[float | None]:
        """Yield for each job in turn when it is to begin, without end.

        A time is in seconds from the block's begin, never before the one ahead of it;
        None stands for "as soon as a slot is free". Every call yields the same times.
        """
