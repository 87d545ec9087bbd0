"""Where the level of a history changed: E-divisive with a permutation test.

Matteson and James, "A nonparametric approach for multiple change point analysis of
multivariate data", Journal of the American Statistical Association 109, 2014. The history
is divided where the energy distance between both parts is largest. The division counts if
few permutations of the runs have one that large. Each part is then divided in the same way.

Two steps are not of that paper:

- Runs of neighbouring nights resemble each other, so a permutation of single runs is too
  even. So the noise of the runs is permuted too, and its distance is multiplied by how much
  the correlation increases the variance of a mean (autoregression of first order). Only few
  permutations of either may reach the observed distance.
- Permuting ends as soon as enough permutations reached the observed distance (Besag and
  Clifford, Biometrika 78, 1991): most histories have no change, and need few.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from perf.stats.moderated import moderated, sum_of
from perf.stats.quantity import THROUGHPUT, Quantity
from perf.stats.ratio import Estimate, exp_within_limits
from perf.stats.sample import squares

SMALLEST = 0.02
"""The smallest change that is told, as a share: that of a comparison side by side.

Whoever looks for the commit of a smaller change would not find it.
"""

FEWEST_RUNS = 5
"""How many runs there are between two changes, at least: fewer are outliers."""

LEVEL = 0.01
"""The share of histories without a change that may have one, if runs are independent.

That is for one look. Whoever looks every night sees one more often on some night.
"""

_DOUBT = 1.0
"""Over the root of the number of runs, added to their correlation: few tell little of it.

Without it a correlation of 0.6 raised 5 % of false alarms in 40 runs, with it 1 %.
"""

_TAIL = 0.025  # what the interval of a change omits on each side
_ENOUGH = 10  # so many permutations as large as the observed division end the test
_OUTLYING = 4.5  # median distances: three deviations of normal noise
_MOST_CORRELATED = 0.97
_Floats = NDArray[np.float64]


def change_points(
    values: Sequence[float] | _Floats,
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    smallest: float = SMALLEST,
) -> list[int]:
    """Return the changes of `values`, each as the first place after it, in order.

    `values` are natural logarithms of one value a run. `rng` draws the permutations. A
    change of the mean by less than the share `smallest` is left out. Raises ValueError
    where a value is not finite, not 0 < level < 1, or not 0 <= smallest < 1.
    """
    if not (0.0 < level < 1.0 and 0.0 <= smallest < 1.0):
        raise ValueError(f"level {level}, smallest {smallest}: not shares below 1")
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("a history must have finite values")
    found: list[int] = []
    parts = [(0, len(array))]
    while parts:
        start, end = parts.pop()
        place = _division(array[start:end], rng, level)
        if place is not None:
            found.append(start + place)
            parts += [(start, start + place), (start + place, end)]
    return _large(array, sorted(found), -math.log1p(-smallest))


def shift(
    before: Sequence[float] | _Floats,
    after: Sequence[float] | _Floats,
    quantity: Quantity = THROUGHPUT,
) -> Estimate:
    """Return by which factor the level changed, with its 95 % interval.

    Both are natural logarithms of one value a run; `before` and `after` have at least one
    each. The variance of the runs is moderated by what is known of `quantity`. That the
    place of the change was chosen for being the clearest is not counted, nor that
    neighbouring runs resemble each other.
    """
    means, parts = [], []
    for values in (before, after):
        array = np.asarray(values, dtype=np.float64)
        means.append(float(array.mean()))
        variance = moderated(squares(array), len(array) - 1, quantity.run)
        parts.append(variance.times(1.0 / len(array)))
    whole = sum_of(*parts)
    half_width = float(stdtrit(whole.freedom, 1.0 - _TAIL)) * math.sqrt(whole.value)
    point = means[1] - means[0]
    return Estimate(
        point=exp_within_limits(point),
        low=exp_within_limits(point - half_width),
        high=exp_within_limits(point + half_width),
        confidence=1.0 - 2.0 * _TAIL,
    )


def _large(values: _Floats, places: Sequence[int], least: float) -> list[int]:
    """Return the places at which the mean changes by `least`; the smallest goes first."""
    kept = list(places)
    while kept:
        edges = [0, *kept, len(values)]
        means = [values[a:b].mean() for a, b in itertools.pairwise(edges)]
        sizes = [abs(b - a) for a, b in itertools.pairwise(means)]
        if min(sizes) >= least:
            break
        del kept[sizes.index(min(sizes))]
    return kept


def _division(values: _Floats, rng: np.random.Generator, level: float) -> int | None:
    """Return where to divide one part, or None where no division is certain."""
    if len(values) < 2 * FEWEST_RUNS or np.ptp(values) == 0.0:
        return None
    distances = _distances(values)
    place, observed = _clearest(distances)
    either = (distances, _distances(_inflated(values)))
    return place if _share_reached(either, observed, rng, level) <= level else None


def _distances(values: _Floats) -> _Floats:
    """Return the distance of each value from each; shape (n, n)."""
    return np.abs(values[:, None] - values[None, :])


def _clearest(distances: _Floats) -> tuple[int, float]:
    """Return the best division, as the first place after it, and how clear it is.

    `distances` has the shape (n, n). The clearness is the energy distance between what lies
    before the place and what follows, times the product of their sizes over the sum. What
    follows may end before the last run: so a level that comes back is seen too.
    """
    n = len(distances)
    sums = distances.cumsum(axis=0).cumsum(axis=1)
    inside = sums.diagonal()
    first = np.arange(FEWEST_RUNS, n - FEWEST_RUNS + 1)
    sizes, ends = first[:, None], np.arange(2 * FEWEST_RUNS, n + 1)[None, :]
    rest = np.maximum(ends - sizes, FEWEST_RUNS)  # shorter ones are left out below
    before = inside[sizes - 1] / 2.0
    across = sums[sizes - 1, ends - 1] - 2.0 * before
    after = inside[ends - 1] / 2.0 - before - across
    energy = 2.0 * across / (sizes * rest)
    energy -= 2.0 * before / (sizes * (sizes - 1.0))
    energy -= 2.0 * after / (rest * (rest - 1.0))
    clearness = energy * sizes * rest / (sizes + rest)
    clearness[ends - sizes < FEWEST_RUNS] = -math.inf
    best = clearness.max(axis=1)
    place = int(np.argmax(best))
    return int(first[place]), float(best[place])


def _share_reached(
    either: Sequence[_Floats], observed: float, rng: np.random.Generator, level: float
) -> float:
    """Return the share of permutations at least as clear as what was observed.

    A permutation counts if any of the matrices of distances is as clear.
    """
    most = math.ceil(_ENOUGH / level)
    reached = 0
    for drawn in range(1, most + 1):
        order = np.ix_(*2 * (rng.permutation(len(either[0])),))
        reached += any(_clearest(one[order])[1] >= observed for one in either)
        if reached >= _ENOUGH:
            return reached / drawn
    return (reached + 1) / (most + 1)


def _inflated(values: _Floats) -> _Floats:
    """Return independent noise whose divisions are as clear as those of correlated runs.

    For an autoregression of first order with the correlation r, the differences from run to
    run have the correlation (r - 1) / 2, and 2 (1 - r) times the variance of the runs. A
    change of the level is in one difference only, and is left out with other outliers; a
    steady decline is in the mean of all differences, and is left out with it. So the others
    are noise without any change. A mean of neighbours has (1 + r) / (1 - r) times the
    variance of independent runs, and the clearness is proportional to that.
    """
    steps = np.diff(values)
    steps -= np.median(steps)
    usual = np.abs(steps) <= _OUTLYING * np.median(np.abs(steps))
    steps -= steps[usual].mean()
    correlation = _correlation(np.where(usual, steps, 0.0))
    noise = np.resize(steps[usual], len(values)) / math.sqrt(2.0 * (1.0 - correlation))
    return noise * (1.0 + correlation) / (1.0 - correlation)


def _correlation(steps: _Floats) -> float:
    """Return the correlation of the runs, from the differences without outliers."""
    power = float(steps @ steps)
    if power == 0.0:
        return 0.0
    found = 1.0 + 2.0 * float(steps[1:] @ steps[:-1]) / power
    found += _DOUBT / math.sqrt(len(steps))
    return min(max(0.0, found), _MOST_CORRELATED)
