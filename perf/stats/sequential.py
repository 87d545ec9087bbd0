"""Bounds for looking at the evidence several times, and stopping as soon as it suffices.

A test that is repeated at five looks, each at a level of 5 %, raises a false alarm in 14 %
of all runs. Group-sequential bounds divide the allowed error between the looks. These are
those of Lan and DeMets ("Discrete sequential boundaries for clinical trials", Biometrika
70, 1983). The number and the times of the looks need not be known in advance. They must
only not depend on what was seen. Up to a fraction `t` of the planned information, an error
of `alpha * t ** SPENDING_POWER` is spent (Kim and DeMets, Biometrika 74, 1987).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

SPENDING_POWER = 2.0
"""1 spends early, like Pocock's bounds; 3 spends late, like O'Brien and Fleming's."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_FARTHEST = 10.0  # standard deviations; the probability beyond is negligible
_Floats = NDArray[np.float64]


def bounds(fractions: Sequence[float], alpha: float) -> list[float]:
    """Return the one-sided bound of each look, in standard errors of the estimate.

    `fractions` are the shares of the planned information at the looks. Without a change,
    the probability that the estimate passes any of its bounds is at most `alpha`.

    The integral over the paths that earlier looks did not stop is that of Armitage,
    McPherson and Rowe ("Repeated significance tests on accumulating data", Journal of the
    Royal Statistical Society A 132, 1969).

    Raises ValueError where the fractions do not rise from above 0 to at most 1, or `alpha`
    does not lie between 0 and 0.5.
    """
    _check(fractions, alpha)
    found: list[float] = []
    nodes, mass = np.zeros(1), np.ones(1)  # before the first look, all paths are at 0
    seen = spent = 0.0
    for fraction in fractions:
        step = math.sqrt(fraction - seen)
        allowed = alpha * fraction**SPENDING_POWER
        limit = _limit(nodes, mass, step, allowed - spent)
        found.append(limit / math.sqrt(fraction))
        nodes, mass = _not_stopped(nodes, mass, step, limit, math.sqrt(fraction))
        seen, spent = fraction, allowed
    return found


def _limit(nodes: _Floats, mass: _Floats, step: float, wanted: float) -> float:
    """Return the value that the Brownian motion passes with probability `wanted`."""

    def excess(limit: float) -> float:
        return float(mass @ ndtr((nodes - limit) / step)) - wanted

    return float(brentq(excess, -_FARTHEST, _FARTHEST, xtol=1e-10))


def _not_stopped(
    nodes: _Floats, mass: _Floats, step: float, limit: float, deviation: float
) -> tuple[_Floats, _Floats]:
    """Return the distribution of the motion below `limit`, as nodes and probabilities."""
    low = -_FARTHEST * deviation
    half = (limit - low) / 2.0
    places = low + half * (_NODES + 1.0)
    steps = (places[:, None] - nodes[None, :]) / step
    density = np.exp(-0.5 * steps**2) @ mass / (step * math.sqrt(2.0 * math.pi))
    return places, density * _WEIGHTS * half


def _check(fractions: Sequence[float], alpha: float) -> None:
    rising = all(a < b for a, b in zip((0.0, *fractions), fractions, strict=False))
    if not rising or not fractions or fractions[-1] > 1.0:
        raise ValueError(f"fractions must rise within 0 to 1, not {list(fractions)}")
    if not 0.0 < alpha < 0.5:  # noqa: PLR2004 -- an error on one side is below one half
        raise ValueError(f"alpha must lie between 0 and 0.5, not {alpha}")
