"""The closed loop: a job begins as soon as another one leaves its slot."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Keep all slots busy: no job has a scheduled time."""

    name: ClassVar[str] = "closed"
    rate_rps: ClassVar[None] = None

    @classmethod
    def parse(cls, argument: str, rate_rps: float | None) -> Self:
        """Return the closed loop; raises ValueError for any argument or rate."""
        if argument:
            raise ValueError(f"{cls.name} takes no argument")
        if rate_rps is not None:
            raise ValueError("a closed loop has no rate: its jobs begin as others end")
        return cls()

    def seeded(self, seed: int) -> Self:  # noqa: ARG002 -- nothing is drawn
        """Return itself."""
        return self

    def at_rate(self, rate_rps: float) -> Self:
        """Raise ValueError: it has no rate."""
        raise ValueError(f"a closed loop has no rate, so not {rate_rps:g} either")

    def times_s(self) -> Iterator[float | None]:
        """Yield None for every job."""
        return itertools.repeat(None)
