"""Variances from few observations, held against what is known of others of their kind.

Two launches give a variance, but almost no knowledge of it: one time in twenty it is 250
times too small. Recorded runs show how large such a variance usually is, and how much it
differs from machine to machine. A moderated variance is the mean of both, each weighted by
its degrees of freedom (Smyth, "Linear models and empirical Bayes methods for assessing
differential expression", Statistical Applications in Genetics and Molecular Biology 3,
2004). The ratio of an estimate to its moderated standard error has Student's distribution
with the sum of both freedoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

_MOST_FREEDOM = 1e6


@dataclass(frozen=True, slots=True)
class Prior:
    """How large a variance usually is.

    Raises ValueError where a value is negative, or `freedom` is zero.
    """

    sd: float
    """The usual standard deviation, as a natural logarithm."""

    freedom: float
    """Of how many observations this knowledge is worth; few where machines differ much."""

    def __post_init__(self) -> None:
        if not (self.sd >= 0.0 and self.freedom > 0.0):
            raise ValueError(f"a prior needs sd >= 0 and freedom > 0, not {self}")


@dataclass(frozen=True, slots=True)
class Variance:
    """An estimated variance, with its degrees of freedom."""

    value: float
    freedom: float

    def times(self, factor: float) -> Variance:
        """Return the variance of the same estimate, multiplied by `factor`."""
        return Variance(self.value * factor, self.freedom)


def moderated(squares: float, freedom: int, prior: Prior) -> Variance:
    """Return the variance of observations, moderated by `prior`.

    `squares` is the sum of their squared distances from their mean. `freedom` is one less
    than their number.
    """
    both = prior.freedom + freedom
    return Variance((prior.freedom * prior.sd**2 + squares) / both, both)


def sum_of(*parts: Variance) -> Variance:
    """Return the sum of independent estimates.

    Its degrees of freedom are Satterthwaite's ("An approximate distribution of estimates of
    variance components", Biometrics Bulletin 2, 1946). Variances are not assumed to be
    equal, as in Welch's test ("The generalization of Student's problem", Biometrika 34,
    1947).
    """
    value = sum(part.value for part in parts)
    spread = sum(part.value**2 / part.freedom for part in parts)
    if spread <= 0.0:
        return Variance(value, min(part.freedom for part in parts))
    return Variance(value, value**2 / spread)


def fitted(variances: Sequence[tuple[float, int]]) -> Prior:
    """Return the prior that (variance, freedom) of several machines or scenarios suggest.

    The method is Smyth's: the mean and the variance of the logarithms. Where the variances
    differ no more than chance explains, the freedom is very large. Raises ValueError where
    there are fewer than two variances, or one is not above zero.
    """
    if len(variances) < 2 or any(v <= 0.0 or n < 1 for v, n in variances):  # noqa: PLR2004 -- a spread needs two
        raise ValueError("a prior is fitted to two or more variances above zero")
    logs = np.log([v for v, _ in variances])
    halves = np.array([n / 2.0 for _, n in variances])
    centred = logs - digamma(halves) + np.log(halves)
    excess = float(centred.var(ddof=1) - polygamma(1, halves).mean())
    if excess <= polygamma(1, _MOST_FREEDOM / 2.0):
        return Prior(float(np.exp(centred.mean() / 2.0)), _MOST_FREEDOM)
    half = float(brentq(lambda x: polygamma(1, x) - excess, 1e-3, _MOST_FREEDOM / 2.0))
    log_variance = centred.mean() + digamma(half) - np.log(half)
    return Prior(float(np.exp(log_variance / 2.0)), 2.0 * half)
