"""What is judged of a scenario: its throughput, and what else a change may make worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from perf.stats.moderated import Prior
from perf.stats.sample import Block, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One quantity that is judged."""

    name: str
    """How the table, the reports and messages name it."""

    of: Callable[[Block], float | None]
    """Returns its value in a block, or None where it was not measured."""

    better: int
    """1 where more is better, -1 where less is."""

    kind: Callable[[Block], str] = lambda _: ""
    """Returns how the value was measured; values of two kinds are not compared."""

    paced: int = 0
    """With which power of the pace it grows: 1 for throughput, -1 for times, 0 for memory.

    It is divided by this power of the pace, so that a slower machine does not count.
    """

    share: float
    """Its share of the error that a run may make."""

    peak: bool = False
    """Whether a launch has the highest value of its blocks, and not their mean."""

    clipped: bool = True
    """Whether outliers count for less: not where they are what is judged."""

    matched: bool = False
    """Whether the launches of the same number are alike in all runs.

    So it is where they have the same arrivals: some schedules are harder than others. A
    launch is compared with that of the same number.
    """

    launch: Prior
    """How launches of one run differ, side by side or not; of matched ones, what is left
    without what their arrivals explain."""

    run: Prior
    """How runs of unchanged code differ, beyond what their launches explain."""

    def goodness(self, block: Block) -> float | None:
        """Return the natural logarithm of the value, positive where it is better.

        None where the value or the pace was not measured.
        """
        value = self.of(block)
        if value is None or (self.paced and block.pace is None):
            return None
        log = math.log(value)
        if self.paced and block.pace:
            log -= self.paced * math.log(block.pace)
        return self.better * log


THROUGHPUT = Quantity(
    name="throughput",
    of=lambda block: block.rps,
    better=1,
    paced=1,
    share=0.7,
    launch=Prior(0.016, 2.0),
    run=Prior(0.02, 2.0),
)
MEMORY = Quantity(
    name="memory",
    of=lambda block: block.memory_bytes,
    kind=lambda block: block.memory_kind,
    better=-1,
    share=0.1,
    peak=True,
    clipped=False,
    launch=Prior(0.03, 2.0),
    run=Prior(0.01, 2.0),
)
CPU = Quantity(
    name="cpu",
    of=lambda block: block.cpu_ms,
    better=-1,
    paced=-1,
    share=0.1,
    launch=Prior(0.016, 2.0),
    run=Prior(0.02, 2.0),
)
P99 = Quantity(
    name="p99",
    of=lambda block: block.p99_ms,
    better=-1,
    paced=-1,
    share=0.1,
    clipped=False,
    launch=Prior(0.03, 2.0),
    run=Prior(0.03, 2.0),
)

GOODPUT = replace(THROUGHPUT, name="goodput", paced=0)
"""Good requests a second at a fixed rate.

It is not divided by the pace: at a fixed rate a faster machine does no more.
"""

CAPACITY = replace(
    THROUGHPUT,
    name="capacity",
    matched=True,
    launch=Prior(0.05, 2.0),
    run=Prior(0.07, 2.0),
)
"""The highest rate that meets the SLO.

Its priors are those of a contended machine (docs/results.md).
"""

QUANTITIES = (THROUGHPUT, MEMORY, CPU, P99)
"""What is judged; the first decides the verdict unless another one is worse."""

_FIRST = {one.name: one for one in (THROUGHPUT, GOODPUT, CAPACITY)}


def quantities_of(pairs: Sequence[Pair]) -> tuple[Quantity, ...]:
    """Return what is judged of these pairs; the first is what their blocks' `rps` is."""
    return (_FIRST[pairs[0].scenario.figure], *QUANTITIES[1:])
