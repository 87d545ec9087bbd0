"""The evidence: blocks of both arms, measured close together in time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class TooFewPairs(ValueError):  # noqa: N818 -- says what is wrong, as its callers read it
    """Fewer than two pairs: they have no spread, so nothing can be said of their error."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One block of the scenario, its block of the reference, and what stood beside it.

    `scenario_rps` and `reference_rps` are images a second, `launch` numbers the server's
    life in which the pair was measured. `yardstick_rps` is the yardstick's speed around
    the scenario's block, in images a second; None where it was not measured. Raises
    ValueError where one of them is not finite or not above zero.
    """

    scenario_rps: float
    reference_rps: float
    launch: int
    yardstick_rps: float | None = None

    def __post_init__(self) -> None:
        for name in ("scenario_rps", "reference_rps", "yardstick_rps"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and above zero, not {value}")


@dataclass(frozen=True, slots=True, init=False)
class Sample:
    """Two pairs or more, in the order in which they were measured.

    Raises TooFewPairs where there are fewer.
    """

    pairs: tuple[Pair, ...]

    def __init__(self, pairs: Iterable[Pair]) -> None:
        # A frozen dataclass lets its own __init__ set a field in no other way.
        object.__setattr__(self, "pairs", tuple(pairs))
        if len(self.pairs) < 2:  # noqa: PLR2004 -- a spread needs two
            raise TooFewPairs(f"a sample needs at least 2 pairs, not {len(self.pairs)}")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def log_ratios(self) -> NDArray[np.float64]:
        """Natural logarithms of scenario over reference, shape (n,), no unit."""
        # A difference, not the logarithm of a quotient: it cannot overflow, and it
        # changes sign exactly when the arms are swapped.
        return np.array(
            [math.log(p.scenario_rps) - math.log(p.reference_rps) for p in self.pairs],
            dtype=np.float64,
        )

    @property
    def log_speeds(self) -> NDArray[np.float64]:
        """Natural logarithms of scenario over yardstick, shape (n,), no unit.

        Over the reference where a pair has no yardstick.
        """
        return np.array(
            [
                math.log(p.scenario_rps) - math.log(p.yardstick_rps or p.reference_rps)
                for p in self.pairs
            ],
            dtype=np.float64,
        )

    @property
    def launches(self) -> NDArray[np.int64]:
        """The launch of each pair, shape (n,)."""
        return np.array([p.launch for p in self.pairs], dtype=np.int64)

    def launch_means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over each launch of what `values` says of the pairs."""
        launches = self.launches
        return np.array([values[launches == one].mean() for one in np.unique(launches)])


def squares(values: NDArray[np.float64]) -> float:
    """Return the sum of the squared distances from the mean."""
    return float(np.sum((values - values.mean()) ** 2))
