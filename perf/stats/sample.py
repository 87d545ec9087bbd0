"""The evidence: pairs of blocks, one of each arm, measured close together in time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class TooFewPairs(ValueError):  # noqa: N818 -- the name itself says what is wrong
    """Fewer than two pairs: their spread, and so the error, is unknown."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was measured in one block of one arm; None where it was not measured.

    Raises ValueError where a value is not finite and positive.
    """

    rps: float
    """Throughput, in images a second, or what `figure` says."""

    pace: float | None = None
    """How fast the cores were while it ran; see `perf.machine.pace`."""

    cpu_ms: float | None = None
    """CPU time of an image, in milliseconds: jobs, server and harness together."""

    memory_bytes: float | None = None
    """The highest memory of jobs, server and harness together."""

    p99_ms: float | None = None
    """The 99th percentile of the latency, in milliseconds."""

    figure: str = "throughput"
    """What `rps` is: throughput, goodput or capacity, see `perf.stats.quantity`."""

    memory_kind: str = "pss"
    """How the memory was counted: pss or rss, see `perf.machine.usage`."""

    def __post_init__(self) -> None:
        for name in ("rps", "pace", "cpu_ms", "memory_bytes", "p99_ms"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and above zero, not {value}")


@dataclass(frozen=True, slots=True)
class Pair:
    """One block of the scenario and one of the reference.

    Raises ValueError where the yardstick is not finite and positive.
    """

    scenario: Block

    reference: Block
    """In a run side by side, the block of the other tree."""

    launch: int
    """The number of the launch in which the pair was measured."""

    yardstick_rps: float | None = None
    """Throughput of the yardstick around the scenario's block, in images a second.

    None where it was not measured.
    """

    def __post_init__(self) -> None:
        value = self.yardstick_rps
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"yardstick_rps must be finite and above zero, not {value}")


@dataclass(frozen=True, slots=True, init=False)
class Sample:
    """Two or more pairs, in the order in which they were measured.

    Raises TooFewPairs where there are fewer.
    """

    pairs: tuple[Pair, ...]

    def __init__(self, pairs: Iterable[Pair]) -> None:
        # This is the only way to set a field in the __init__ of a frozen dataclass.
        object.__setattr__(self, "pairs", tuple(pairs))
        if len(self.pairs) < 2:  # noqa: PLR2004 -- a spread needs two
            raise TooFewPairs(f"a sample needs at least 2 pairs, not {len(self.pairs)}")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def log_ratios(self) -> NDArray[np.float64]:
        """Natural logarithms of the ratios, scenario over reference; shape (n,)."""
        # log(a) - log(b) cannot overflow as log(a / b) can, and it changes its sign
        # exactly when the arms are swapped.
        return np.array(
            [math.log(p.scenario.rps) - math.log(p.reference.rps) for p in self.pairs],
            dtype=np.float64,
        )

    @property
    def launches(self) -> NDArray[np.int64]:
        """The launch number of each pair; shape (n,)."""
        return np.array([p.launch for p in self.pairs], dtype=np.int64)

    def launch_means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of `values` over each launch.

        `values` has one entry for each pair. The result has one entry for each launch, in
        the order of the launch numbers.
        """
        launches = self.launches
        return np.array([values[launches == one].mean() for one in np.unique(launches)])


def squares(values: NDArray[np.float64]) -> float:
    """Return the sum of the squared distances from the mean."""
    return float(np.sum((values - values.mean()) ** 2))
