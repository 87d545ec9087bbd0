"""What the blocks of one arm consist of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from perf.experiment.answers import Expected
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop


@dataclass(slots=True)
class Workload:
    """What the blocks of one arm consist of."""

    images: Sequence[str]
    """The paths of the images, which the jobs take in turn."""

    block_images: int
    """Images in a block."""

    slots: int
    """How many jobs run at a time, at most."""

    deadline_s: float
    """How long a job may take, from its launch."""

    expected: Expected
    """The right answers."""

    arrivals: Arrivals = field(default_factory=ClosedLoop)
    """When the jobs begin; arms of `perf.experiment.scheduled_arms` use it."""

    most_under_way: int = 0
    """How many jobs that begin at scheduled times may run at a time; 0 is `slots`."""

    warm_up_images: int = 0
    """Images in the block that warms up a launch; 0 is one for each slot."""

    _taken: int = 0

    def take(self, count: int = 0) -> tuple[str, ...]:
        """Return the next `count` images, or `block_images`; starts again at the end."""
        begin, n = self._taken, count or self.block_images
        self._taken += n
        return tuple(self.images[i % len(self.images)] for i in range(begin, begin + n))
