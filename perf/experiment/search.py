"""Which rates to try, to find the capacity of a server: one search in one launch.

From the first rate it goes up while the SLO is met, or down while it is missed. The steps
are small at first, because the first rate is a good guess, and grow. Then the gap is
halved, on a logarithmic scale, until it is at most `FINEST`.

A probe counts by its share alone, also where that leaves it open whether the SLO is met:
the search must go on, and the estimate uses all probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from perf.stats.capacity import Probe, capacity_rps

WIDEN = 1.4
"""The largest step."""

FINEST = 1.06
"""The last gap between two rates, and the first step, as a factor."""

_LOWEST = 1.0 / 32.0
"""Of the first rate: a server that fails there has no capacity to speak of."""

_HIGHEST = 32.0
_SMALL_STEPS = 3
"""After so many small steps, each twice the one before, all have the largest size."""

_ROUNDING = 1.0 + 1e-9


@dataclass(slots=True)
class Search:
    """The probes of one search, by rate.

    `share` is what the SLO asks for. `first_rps` is a guess of the capacity.
    """

    share: float
    first_rps: float

    probes: list[Probe] = field(default_factory=list)

    def run(self, measure: Callable[[float], Probe]) -> float | None:
        """Measure until the capacity is known; return it in requests a second.

        None where even the lowest rate did not meet the SLO, or the highest did.
        """
        while (rate_rps := self.next_rate()) is not None:
            self.probes.append(measure(rate_rps))
        return capacity_rps(self.probes, self.share)

    def next_rate(self) -> float | None:
        """Return the next rate to try, in requests a second, or None at the end."""
        if not self.probes:
            return self.first_rps
        step = min(WIDEN, FINEST ** (2 ** min(len(self.probes) - 1, _SMALL_STEPS)))
        if self.highest_met is None:
            rate = min(probe.rate_rps for probe in self.probes) / step
            return rate if rate >= self.first_rps * _LOWEST else None
        if self.lowest_missed is None:
            rate = self.highest_met * step
            return rate if rate <= self.first_rps * _HIGHEST else None
        if self.lowest_missed / self.highest_met <= FINEST * _ROUNDING:
            return None
        return math.sqrt(self.lowest_missed * self.highest_met)

    @property
    def highest_met(self) -> float | None:
        """The highest rate below all that missed the SLO, of those that met it."""
        missed = self.lowest_missed or math.inf
        met = [p.rate_rps for p in self.probes if self._met(p) and p.rate_rps < missed]
        return max(met, default=None)

    @property
    def lowest_missed(self) -> float | None:
        """The lowest rate that missed the SLO."""
        missed = [p.rate_rps for p in self.probes if not self._met(p)]
        return min(missed, default=None)

    def _met(self, probe: Probe) -> bool:
        return probe.attainment >= self.share and not probe.grew
