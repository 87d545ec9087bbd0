"""The rule of one run: when to stop measuring a scenario, and with which verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from perf.stats.change import Change, tail_of
from perf.stats.sequential import bounds
from perf.stats.verdict import Verdict, check_tolerance, judge, smallest_seen

RUN_ALPHA = 0.01
"""Of the runs without any change, the share that may call some scenario changed."""

PASS_ALPHA = 0.025
"""Of the scenarios at the edge of the tolerance, the share that may be called unchanged."""

FIRST_LOOK = 2  # launches


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one scenario of a run is judged.

    The change is looked at after every launch from the second on, or after the only
    launch. The scenarios of a run share `RUN_ALPHA` equally, the quantities of a scenario
    by their `share`, and `regressed` and `improved` by halves (Bonferroni).

    Raises ValueError where `planned` or `scenarios` is below 1, or `tolerance` or `share`
    does not lie between 0 and 1.
    """

    planned: int
    """The most launches that are measured."""

    scenarios: int
    """How many scenarios the run judges."""

    tolerance: float
    """The loss that is tolerated, as a share."""

    share: float = 1.0
    """The quantity's share of the error that the scenario may make."""

    def __post_init__(self) -> None:
        check_tolerance(self.tolerance)
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"a share must lie between 0 and 1, not {self.share}")
        if min(self.planned, self.scenarios) < 1:
            raise ValueError("a rule needs at least one launch and one scenario")

    def verdict(self, change: Change) -> Verdict:
        """Return the verdict of the look after `change.launches` launches."""
        return judge(
            change,
            self.tolerance,
            alarm_tail=self.alarm_tail(change),
            pass_tail=self._tail(change, PASS_ALPHA),
        )

    def deciding_tail(self, change: Change) -> float:
        """Return what the interval that decided on the verdict omits on each side.

        For `unchanged` that is the interval that lies inside the tolerance; for every other
        verdict it is the one that decides on an alarm.
        """
        if self.verdict(change) is Verdict.UNCHANGED:
            return self._tail(change, PASS_ALPHA)
        return self.alarm_tail(change)

    def alarm_tail(self, change: Change) -> float:
        """Return what the interval that decides on an alarm omits on each side."""
        return self._tail(change, RUN_ALPHA * self.share / self.scenarios / 2.0)

    def smallest_seen(self, change: Change) -> float:
        """Return the smallest loss, as a share, that this look can detect."""
        return smallest_seen(
            change,
            self.tolerance,
            alarm_tail=self.alarm_tail(change),
            pass_tail=self._tail(change, PASS_ALPHA),
        )

    def _tail(self, change: Change, alpha: float) -> float:
        fractions = self._fractions(change.launches, change.baseline_launches)
        return _last_tail(fractions, alpha)

    def _fractions(self, launches: int, baseline_launches: float) -> tuple[float, ...]:
        """Return what share of the planned information each look so far had.

        Information is one over the variance. The baseline contributes the same variance
        to every look. The last planned look has all the information, so it spends what is
        left of the error.
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
