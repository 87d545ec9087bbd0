"""Scales: from a value to its place along a plot, and the values to mark on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_MOST = 5  # marks, so that their labels fit a narrow screen


class Scale(Protocol):
    """One axis."""

    @property
    def low(self) -> float:
        """The value at its start."""

    @property
    def high(self) -> float:
        """The value at its end."""

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 100; beyond an end it is that end."""

    def ticks(self) -> list[float]:
        """Return the values to mark, in order."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Equal steps. Raises ValueError unless `low` < `high`, both finite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"a scale needs low < high, not {self.low}, {self.high}")

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 100; beyond an end it is that end."""
        return _place((value - self.low) / (self.high - self.low))

    def ticks(self) -> list[float]:
        """Return multiples of 1, 2 or 5 times a power of ten: at most five."""
        step = _round_up((self.high - self.low) / (_MOST - 1))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [step * number for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """Equal factors. Raises ValueError unless 0 < `low` < `high`, both finite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high < math.inf:
            raise ValueError(f"a scale needs 0 < low < high, not {self.low}, {self.high}")

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 100; beyond an end it is that end."""
        if value <= self.low:
            return 0.0
        return _place(math.log(value / self.low) / math.log(self.high / self.low))

    def ticks(self) -> list[float]:
        """Return 1, 2 and 5 times powers of ten, or some powers alone: at most five.

        A scale that is too short for two of them is marked in equal steps.
        """
        first, last = (math.floor(math.log10(end)) for end in (self.low, self.high))
        powers = [10.0**power for power in range(first, last + 1)]
        found = self._inside(factor * x for x in powers for factor in (1.0, 2.0, 5.0))
        if len(found) > _MOST:
            found = self._inside(powers)
            found = found[:: math.ceil(len(found) / _MOST)]
        return found if len(found) > 1 else Linear(self.low, self.high).ticks()

    def _inside(self, values: Iterable[float]) -> list[float]:
        return [value for value in values if self.low <= value <= self.high]


def round_below(value: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is at most `value` > 0."""
    unit = 10.0 ** math.floor(math.log10(value))
    return max(factor * unit for factor in (0.5, 1.0, 2.0, 5.0) if factor * unit <= value)


def _round_up(value: float) -> float:
    unit = 10.0 ** math.floor(math.log10(value))
    # The last one is always enough, but rounding could hide that.
    large = (factor * unit for factor in (1.0, 2.0, 5.0) if factor * unit >= value)
    return next(large, 10.0 * unit)


def _place(share: float) -> float:
    return 100.0 * min(max(share, 0.0), 1.0)
