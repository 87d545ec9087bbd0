"""Which of many random schedules is typical of its kind.

How long requests wait depends on how they bunch. A few hundred random requests mostly bunch
less than an endless schedule does, and sometimes much more. So one short probe says little
of the slowest 1 %. Here many schedules are drawn and the most typical one is taken: in a
queue with a constant service time it has as many long waits as an endless schedule, at each
of several loads. To draw again until a sample is balanced is known from experiments (Morgan
and Rubin, "Rerandomization to improve covariate balance in experiments", Annals of
Statistics 40, 2012). What is typical does not depend on the server that is measured.

Times are in mean gaps between two requests, waits in service times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

_LOADS = (0.5, 0.6, 0.7, 0.8, 0.9)
_TAILS = (0.1, 0.03, 0.01)
_HALVINGS = 14


def waits(times: _Floats, load: float) -> _Floats:
    """Return how long each request waits for a server with a constant service time.

    `load` is the service time in mean gaps. The queue is empty at first. Shape (requests,).
    """
    arrivals = times / load
    ahead = np.arange(len(times))
    return np.maximum.accumulate(arrivals - ahead) + ahead - arrivals


@dataclass(frozen=True, slots=True)
class LongWaits:
    """What is a long wait, from a schedule so long that chance hardly matters."""

    times: _Floats
    limits: _Floats
    """The waits that the shares `_TAILS` exceed, at each load; shape (loads, tails)."""

    @classmethod
    def of(cls, times: _Floats) -> Self:
        """Return the long waits of a schedule."""
        shares = 1.0 - np.array(_TAILS)
        return cls(
            times, np.array([np.quantile(waits(times, at), shares) for at in _LOADS])
        )

    def distance(self, times: _Floats) -> float:
        """Return how far a schedule is from typical; 0 if as many wait long as should."""
        seen = [
            [float((waited > limit).mean()) for limit in limits]
            for waited, limits in zip(self._waits(times), self.limits, strict=True)
        ]
        return float(((np.array(seen) / np.array(_TAILS) - 1.0) ** 2).mean())

    def load_in_time(self, within: float, share: float) -> float:
        """Return the highest load at which `share` of the requests are in time.

        `within` is the time allowed, with the service. It is 0 where even an idle server is
        too slow, and below 1.
        """
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            load = (low + high) / 2.0
            in_time = float((waits(self.times, load) + 1.0 <= within).mean()) >= share
            low, high = (load, high) if in_time else (low, load)
        return low

    @staticmethod
    def _waits(times: _Floats) -> list[_Floats]:
        return [waits(times, load) for load in _LOADS]
