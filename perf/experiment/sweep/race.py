"""Race the points of a sweep: a launch of each in turn, until the worse ones are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perf.experiment.sweep.journal import Entry
from perf.stats import Block, Quantity, Sample
from perf.stats.dominance import is_dominated, mean_of, sample_of

FIRST_DROP = 2
"""After so many launches of each point, the first may drop out."""

Measure = Callable[[str, int], Entry]
"""Measures the launch of a point in a round, or finds it in the journal."""


@dataclass(slots=True)
class Runner:
    """One point in the race."""

    point: str
    launches: list[list[Block]] = field(default_factory=list)

    failed: str = ""
    """Why it could not be measured; empty while it can."""

    disturbed: int = 0
    """How many of its blocks were disturbed, and count all the same."""

    beaten_by: str = ""
    """The point that is clearly better; empty while there is none."""

    @property
    def runs(self) -> bool:
        """Whether it is still in the race."""
        return not self.failed and not self.beaten_by

    @property
    def sample(self) -> Sample:
        """All its blocks."""
        return sample_of(self.launches)


@dataclass(slots=True, kw_only=True)
class Race:
    """The race of some points, each with at most `rounds` launches."""

    points: Sequence[str]
    quantities: Sequence[Quantity]
    rounds: int
    seed: int
    """Of the order within a round."""

    measure: Measure

    runners: dict[str, Runner] = field(default_factory=dict)

    def run(self) -> Mapping[str, Runner]:
        """Run all rounds, and return every point with what was measured of it.

        A point that does not start, or answers wrongly, is out; the others go on.
        """
        self.runners = {point: Runner(point) for point in self.points}
        for number in range(self.rounds):
            order = [one for one in self.runners.values() if one.runs]
            random.Random(f"{self.seed} {number}").shuffle(order)  # noqa: S311 -- an order, not a secret
            for runner in order:
                entry = self.measure(runner.point, number)
                if entry.failed:
                    runner.failed = entry.failed
                else:
                    runner.launches.append([block.block() for block in entry.blocks])
                    runner.disturbed += entry.disturbed
            if number + 1 >= FIRST_DROP:
                self._drop()
        return self.runners

    def launches_left(self, number: int) -> int:
        """Return how many launches the rounds from `number` on have at most."""
        running = sum(one.runs for one in self.runners.values())
        return running * (self.rounds - number)

    @property
    def _comparisons(self) -> int:
        """How often a point is compared with another one, at most."""
        rivals = max(1, len(self.points) - 1)
        return rivals * max(1, self.rounds - FIRST_DROP + 1)

    def _drop(self) -> None:
        """Take out the points that another one, still in the race, clearly beats.

        The slowest is asked first. Two that each beat the other in another way do not both
        drop out: the second is asked when the first has gone.
        """
        first = self.quantities[0]
        samples = {one.point: one.sample for one in self.runners.values() if one.runs}
        slowest_first = sorted(samples, key=lambda point: mean_of(samples[point], first))
        for point in slowest_first:
            for other, runner in self.runners.items():
                if other == point or not runner.runs:
                    continue
                if is_dominated(
                    samples[point], samples[other], self.quantities, self._comparisons
                ):
                    self.runners[point].beaten_by = other
                    break
