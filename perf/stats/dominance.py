"""Which of several candidates are worse than another one in every way that counts.

A candidate dominates another one if it is better in one quantity and not worse in any
(Pareto). With noise, a candidate drops out of a race only when that is clear: it is worse
in one quantity with confidence, and could be better in no quantity by more than
`INDIFFERENT`. This is a Hoeffding race with Student's t (Maron and Moore, "Hoeffding races:
accelerating model selection search for classification and function approximation", NIPS 6,
1994).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import geometric_mean

from perf.stats.change import Change, estimate_apart, estimate_level
from perf.stats.launches import NotMeasuredError, launch_goodness
from perf.stats.quantity import Quantity
from perf.stats.ratio import Estimate
from perf.stats.sample import Block, Pair, Sample

INDIFFERENT = 0.05
"""A gain by less than this share is not worth a candidate that is worse otherwise."""

ALPHA = 0.05
"""Of the races, the share in which the best point may drop out.

All comparisons of a race share it equally (Bonferroni).
"""


def sample_of(launches: Sequence[Sequence[Block]]) -> Sample:
    """Return the blocks of some launches as a sample; each block stands on both sides.

    Raises TooFewPairs where there are fewer than two blocks.
    """
    return Sample(
        Pair(block, block, launch)
        for launch, blocks in enumerate(launches)
        for block in blocks
    )


def mean_of(sample: Sample, quantity: Quantity) -> float:
    """Return the mean goodness over the launches; -inf where it was not measured."""
    try:
        return float(launch_goodness(sample, quantity).mean())
    except NotMeasuredError:
        return -math.inf


def mean_pace_of(candidates: Iterable[Sequence[Sequence[Block]]]) -> float:
    """Return the geometric mean of the pace over the launches of all candidates.

    It is 1 where the pace was never measured.
    """
    blocks = (b for launches in candidates for launch in launches for b in launch)
    paces = [block.pace for block in blocks if block.pace]
    return geometric_mean(paces) if paces else 1.0


def estimate_of(
    sample: Sample, quantity: Quantity, tail: float, mean_pace: float
) -> Estimate | None:
    """Return the quantity's value with its interval, at the pace `mean_pace`.

    With the same pace for all candidates, their values are in the order of their goodness.
    None where it was not measured.
    """
    try:
        change = estimate_level(sample, quantity)
    except NotMeasuredError:
        return None
    level = change.interval(tail, quantity.better)
    factor = mean_pace**quantity.paced
    return replace(
        level,
        point=level.point * factor,
        low=level.low * factor,
        high=level.high * factor,
    )


def is_dominated(
    sample: Sample, other: Sample, quantities: Sequence[Quantity], comparisons: int = 1
) -> bool:
    """Return whether `other` clearly is the better choice.

    It is one of so many `comparisons` of a race. One quantity in which it is clearly worse
    is enough, so they share the error too.
    """
    tail = ALPHA / comparisons / len(quantities)
    changes = [
        change
        for quantity in quantities
        if (change := _change(sample, other, quantity)) is not None
    ]
    worse = [one.point + one.half_width(tail) < 0.0 for one in changes]
    limit = math.log1p(INDIFFERENT)
    maybe_better = [one.point + one.half_width(tail) > limit for one in changes]
    return any(worse) and not any(maybe_better)


def pareto(values: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the names that no other one dominates, by their goodness alone.

    `values` has for each name one number for each quantity, more being better.
    """

    def beaten(name: str) -> bool:
        own = values[name]
        return any(
            all(a >= b for a, b in zip(theirs, own, strict=True))
            and any(a > b for a, b in zip(theirs, own, strict=True))
            for other, theirs in values.items()
            if other != name
        )

    return [name for name in values if not beaten(name)]


def _change(sample: Sample, other: Sample, quantity: Quantity) -> Change | None:
    """Return how much better `sample` is; None where it was not measured."""
    try:
        return estimate_apart(sample, other, quantity)
    except NotMeasuredError:
        return None
