"""The middle of launches of which a few may lie far from the others.

On a shared machine one of two equal servers can be slower than the other by a tenth for a
minute (docs/results.md). The mean of ten launches would follow one such launch, and its
error would be large. Huber's estimate moves such a launch to a fixed distance from the
middle. Without one it is the mean.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from perf.stats.moderated import Prior, Variance, moderated

OUTLYING = 2.0
"""How many standard deviations from the middle a value counts at most."""

ROUNDING = 1e-9  # logarithms of equal values may differ by less
_Floats = NDArray[np.float64]


def middle_of(launches: _Floats, prior: Prior) -> tuple[float, Variance]:
    """Return the middle of launches, shape (launches,), and the variance of the estimate.

    The estimate is Huber's ("Robust estimation of a location parameter", Annals of
    Mathematical Statistics 35, 1964) and its variance the one of his "Robust Statistics"
    (Wiley, 1981, section 7.6), moderated by `prior` as that of a mean is. How far launches
    usually lie from their middle follows from the median distance, moderated too.
    """
    count = len(launches)
    distance = float(np.median(distances_of(launches))) if count > 1 else 0.0
    spread = (distance / ndtri(0.75)) ** 2
    deviation = math.sqrt(moderated(spread * (count - 1), count - 1, prior).value)
    limit = max(OUTLYING * deviation, ROUNDING)

    def moved(middle: float) -> _Floats:
        return np.asarray(np.clip(launches - middle, -limit, limit))

    low, high = float(launches.min()), float(launches.max())
    middle = low
    if high - low > ROUNDING:
        middle = float(brentq(lambda x: moved(x).sum(), low, high, xtol=ROUNDING))
    inside = float(np.mean(np.abs(launches - middle) <= limit))
    # The variance of a clipped value, over the square of how far the middle follows one.
    factor = (1.0 + (1.0 - inside) / (count * inside)) / inside
    squares = float(np.square(moved(middle)).sum()) * factor**2
    return middle, moderated(squares, count - 1, prior).times(1.0 / count)


def distances_of(values: _Floats) -> _Floats:
    """Return how far values lie from their median, without the nearest; shape (n - 1,).

    The median lies nearer to the values than the true middle does. Leaving out one value
    and the factor make up for that.
    """
    count = len(values)
    distances = np.sort(np.abs(values - np.median(values)))[1:]
    return np.asarray(distances * math.sqrt(count / max(1, count - 1)))
