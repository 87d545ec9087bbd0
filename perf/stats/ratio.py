"""Ratios of throughputs, and the intervals that say how well they are known.

Everything is computed on logarithms, where a gain and the loss that undoes it lie
equally far from zero, and brought back by the exponential at the end.

The interval is Student's rather than a bootstrap, because it holds what it promises for
the few draws of a run. Of nominal 95 % intervals this share
contained the truth in 2,000 simulated runs, under normal noise and under the worst of
three kinds (normal, Student's t with 3 degrees of freedom, exponential):

    draws                  6           12          24
    percentile bootstrap   86 %, 81 %  91 %, 88 %  94 %, 90 %
    BCa bootstrap          87 %, 83 %  91 %, 87 %  93 %, 90 %
    studentised bootstrap  95 %, 93 %  95 %, 92 %  94 %, 93 %
    Student's t            95 %, 89 %  95 %, 91 %  95 %, 92 %

The studentised bootstrap bears skewed noise best, but for 6 pairs its interval is a
quarter wider than Student's, and for 3 or 4 it has no useful end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from perf.stats.sample import Sample, squares

_LOG_LIMIT = 700.0  # exp() of more is no longer a finite float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio, and the interval that contains the true one with `confidence`.

    All are plain ratios: 1.0 is no difference. Raises ValueError unless
    0 <= low <= point <= high, all finite, and 0 < confidence < 1.
    """

    point: float
    low: float
    high: float
    confidence: float

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)
        # Comparisons with NaN are false, so this refuses it as well.
        if not 0.0 <= self.low <= self.point <= self.high < math.inf:
            raise ValueError(
                "an estimate needs 0 <= low <= point <= high, all finite, "
                f"not {self.low}, {self.point}, {self.high}"
            )


def estimate_ratio(sample: Sample, *alike: Sample, confidence: float = 0.95) -> Estimate:
    """Return scenario over reference: the geometric mean of the pairs' ratios.

    The interval is Student's t (Student, "The probable error of a mean", Biometrika 6,
    1908) on the launches' mean log ratios, for pairs of one launch resemble each other.
    `alike` are other runs of the same scenario, whose launches spread as these do: the
    spread is pooled over all, for a run has few launches, and the estimate is still the
    sample's alone. Where there is one launch in all it is on the pairs, and knows nothing
    of other launches. Draws that are all alike give an interval of no width. Raises
    ValueError unless 0 < confidence < 1.
    """
    runs = [one.launch_means(one.log_ratios) for one in (sample, *alike)]
    freedom = sum(len(means) - 1 for means in runs)
    if not freedom:
        runs = [sample.log_ratios]
        freedom = len(sample) - 1
    variance = sum(squares(means) for means in runs) / freedom / len(runs[0])
    return _interval(float(np.mean(runs[0])), variance, freedom, confidence)


def _interval(mean: float, variance: float, freedom: float, confidence: float) -> Estimate:
    """Return exp(mean -+ t * sqrt(variance)), t with `freedom` degrees of freedom."""
    _check_confidence(confidence)
    quantile = float(stdtrit(freedom, (1.0 + confidence) / 2.0))
    half_width = quantile * math.sqrt(variance)
    return Estimate(
        point=exp_within_limits(mean),
        low=exp_within_limits(mean - half_width),
        high=exp_within_limits(mean + half_width),
        confidence=confidence,
    )


def exp_within_limits(log: float) -> float:
    """Return e**log, held to what a float can be: a vast interval is still an interval."""
    return math.exp(min(max(log, -_LOG_LIMIT), _LOG_LIMIT))


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
