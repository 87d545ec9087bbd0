"""How far the measurement of a scenario is, and what its pairs show so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from perf.stats import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be measured of one scenario."""

    name: str

    place: int
    """Which of the run's scenarios it is, from 1."""

    scenarios: int
    """How many scenarios the run measures."""

    pairs: int
    """How many pairs there are, at most."""

    jobs: int | None
    """How many jobs there are; None where that is unknown."""

    budget_s: float | None
    """How many seconds it takes, at most; None where nothing but `pairs` ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the pairs so far show."""

    pairs: int
    launches: int

    planned: int
    """How many launches are planned now."""

    change: Estimate | None
    """The change of throughput, with the interval that would decide now."""

    ratio: Estimate | None
    """Throughput over that of the reference, with its interval."""


class Progress(Protocol):
    """Shows how far a scenario is."""

    def job_ended(self, record: object, /) -> None:
        """Count one job."""

    def pair_ended(self, look: Callable[[], Standing], /) -> None:
        """Count one pair; `look` returns what is shown, and takes some milliseconds."""

    def stop(self) -> None:
        """Remove what is shown."""
