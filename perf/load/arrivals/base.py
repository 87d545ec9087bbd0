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

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Return the pattern that `NAME:argument` asks for; `argument` may be empty.

        Raises ValueError, in one line, where the argument makes no sense.
        """

    def times_s(self) -> Iterator[float | None]:
        """Yield for each job in turn when it is to begin, without end.

        A time is in seconds from the block's begin, never before the one ahead of it;
        None stands for "as soon as a slot is free". Every call yields the same times.
        """
