"""What each launch of a sample says of a quantity: one value, made of its blocks.

Blocks of one launch resemble each other, so a launch counts as one observation. Outliers
among its blocks are clipped: a disturbance may hit a single one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from perf.stats.middle import OUTLYING, ROUNDING, distances_of
from perf.stats.quantity import Quantity
from perf.stats.sample import Block, Pair, Sample

_Floats = NDArray[np.float64]


class NotMeasuredError(ValueError):
    """A quantity, or the pace that it is corrected for, was not measured in some launch.

    Or blocks that are to be compared measured it in two ways.
    """


def demand_one_kind(quantity: Quantity, blocks: Iterable[Block]) -> None:
    """Raise NotMeasuredError where the blocks measured the quantity in several ways."""
    kinds = {quantity.kind(block) for block in blocks if quantity.of(block) is not None}
    if len(kinds) > 1:
        ways = " and ".join(sorted(kinds))
        raise NotMeasuredError(f"{quantity.name} was measured in two ways, {ways}")


def launch_goodness(sample: Sample, quantity: Quantity) -> _Floats:
    """Return the goodness of the scenario in each launch; shape (launches,).

    Raises NotMeasuredError.
    """
    return _launches(sample, quantity, _of_scenario)


def matched_goodness(samples: Sequence[Sample], quantity: Quantity) -> list[_Floats]:
    """Return the same of each sample, for the launches that all of them have.

    Launches count from the first one of their sample, which all have. Raises
    NotMeasuredError.
    """
    numbers = [np.unique(one.launches) - one.launches.min() for one in samples]
    shared = functools.reduce(np.intersect1d, numbers)
    return [
        launch_goodness(sample, quantity)[np.isin(own, shared)]
        for sample, own in zip(samples, numbers, strict=True)
    ]


def _of_scenario(pair: Pair) -> Block:
    return pair.scenario


def _of_reference(pair: Pair) -> Block:
    return pair.reference


def _launches(sample: Sample, quantity: Quantity, of: Callable[[Pair], Block]) -> _Floats:
    """Return the goodness of one arm in each launch; shape (launches,)."""
    values = [quantity.goodness(of(pair)) for pair in sample.pairs]
    if quantity.peak:
        return _lowest(sample, values, quantity)
    return _launch_means(sample, _all(values, quantity), clipped=quantity.clipped)


def launch_differences(sample: Sample, quantity: Quantity) -> _Floats:
    """Return how much better the scenario is than the reference in each launch.

    The shape is (launches,). Raises NotMeasuredError.
    """
    if quantity.peak:
        ours = _launches(sample, quantity, _of_scenario)
        return ours - _launches(sample, quantity, _of_reference)
    ours = _all([quantity.goodness(pair.scenario) for pair in sample.pairs], quantity)
    theirs = _all([quantity.goodness(pair.reference) for pair in sample.pairs], quantity)
    return _launch_means(sample, ours - theirs, clipped=quantity.clipped)


def _all(values: Sequence[float | None], quantity: Quantity) -> _Floats:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        what = f"{quantity.name} or its pace" if quantity.paced else quantity.name
        raise NotMeasuredError(f"{what} was not measured everywhere")
    return np.array(known, dtype=np.float64)


def _lowest(sample: Sample, values: Sequence[float | None], quantity: Quantity) -> _Floats:
    """Return the lowest goodness, which is the peak of the value, of each launch."""
    lowest: dict[int, float] = {}
    for pair, value in zip(sample.pairs, values, strict=True):
        if value is not None:
            lowest[pair.launch] = min(value, lowest.get(pair.launch, math.inf))
    launches = sorted({pair.launch for pair in sample.pairs})
    return _all([lowest.get(launch) for launch in launches], quantity)


def _launch_means(sample: Sample, values: _Floats, *, clipped: bool) -> _Floats:
    """Return the mean of each launch, where outliers among its blocks may be `clipped`.

    The deviation of the blocks is estimated from their median distance from the median of
    their launch, as for normal noise. A deviation of zero clips nothing: at least half of
    the blocks are equal then. Winsorising is Tukey and McLaughlin's (Sankhya A 25, 1963).
    """
    launches = sample.launches
    blocks = [values[launches == one] for one in np.unique(launches)]
    if not clipped:
        return np.array([each.mean() for each in blocks])
    distances = np.concatenate([distances_of(each) for each in blocks])
    deviation = float(np.median(distances) / ndtri(0.75)) if distances.size else 0.0
    limit = OUTLYING * deviation if deviation > ROUNDING else math.inf
    middle = float(np.median(values))
    return np.array([_clipped(each, middle, limit).mean() for each in blocks])


def _clipped(blocks: _Floats, middle: float, limit: float) -> _Floats:
    """Return the blocks of a launch, clipped to `limit` from their median.

    Between two middle blocks, the median is the value nearest to `middle`, that of the run:
    of two blocks far apart, the more unusual one is clipped.
    """
    ranked, count = np.sort(blocks), len(blocks)
    centre = min(max(middle, ranked[(count - 1) // 2]), ranked[count // 2])
    return np.asarray(np.clip(blocks, centre - limit, centre + limit))
