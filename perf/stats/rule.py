"""When to stop measuring, and what to say then: the bounds of each look, for one run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from perf.stats.change import Change, tail_of
from perf.stats.sequential import bounds
from perf.stats.verdict import Verdict, check_tolerance, judge, smallest_seen

RUN_ALPHA = 0.01
"""The share of runs without any change in which some scenario may be called regressed."""

PASS_ALPHA = 0.025
"""The share of scenarios at the edge of the tolerance that may be called unchanged."""

FIRST_LOOK = 2  # launches


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one scenario of a run is judged.

    At most `planned` launches are measured; the run judges `scenarios` scenarios, which
    share `RUN_ALPHA` equally (Bonferroni). One looks after every launch from the
    second on, or after the only one. Raises ValueError where one of the numbers is below
    1, or the tolerance not between 0 and 1.
    """

    planned: int
    scenarios: int
    tolerance: float

    def __post_init__(self) -> None:
        check_tolerance(self.tolerance)
        if min(self.planned, self.scenarios) < 1:
            raise ValueError("a rule needs at least one launch and one scenario")

    def verdict(self, change: Change) -> Verdict:
        """Return what is shown by the look after `change.launches` launches."""
        return judge(
            change,
            self.tolerance,
            alarm_tail=self.alarm_tail(change),
            pass_tail=self._tail(change, PASS_ALPHA),
        )

    def alarm_tail(self, change: Change) -> float:
        """Return what the interval that decides on an alarm leaves out on each side."""
        return self._tail(change, RUN_ALPHA / self.scenarios)

    def smallest_seen(self, change: Change) -> float:
        """Return the smallest loss, as a share, that this look could have seen."""
        return smallest_seen(
            change,
            self.tolerance,
            alarm_tail=self.alarm_tail(change),
            pass_tail=self._tail(change, PASS_ALPHA),
        )

    def _tail(self, change: Change, alpha: float) -> float:
        fractions = self._fractions(change.launches, change.baseline_launches)
        return _last_tail(fractions, alpha)

    def _fractions(self, launches: int, baseline_launches: int) -> tuple[float, ...]:
        """Return the shares of the planned information at the looks so far.

        Information is one over the variance, of which the baseline's share is the same
        at every look. The last look planned spends all that is left.
        """
        planned = max(self.planned, launches)
        least = 1.0 / planned + 1.0 / baseline_launches
        first = min(FIRST_LOOK, launches)
        return tuple(
            least / (1.0 / seen + 1.0 / baseline_launches)
            for seen in range(first, launches + 1)
        )


@lru_cache
def _last_tail(fractions: tuple[float, ...], alpha: float) -> float:
    return tail_of(bounds(fractions, alpha)[-1])
