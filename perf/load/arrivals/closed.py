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

    @classmethod
    def parse(cls, argument: str) -> Self:
        """Return the closed loop; raises ValueError for any argument."""
        if argument:
            raise ValueError(f"{cls.name} takes no argument")
        return cls()

    def times_s(self) -> Iterator[float | None]:
        """Yield None for every job."""
        return itertools.repeat(None)
