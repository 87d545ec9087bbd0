"""How much a scenario's efficiency has changed since its baseline, and with what error.

A block's efficiency is the scenario's throughput over that of the yardstick beside it. The
division removes whatever slows both, such as a slower machine. Efficiencies are compared as
logarithms, in four steps:

- Outliers are clipped: a block lies at most `OUTLYING` standard deviations from the median
  of its run. A disturbance may hit a single block, or a single reading of the yardstick.
- The blocks of each launch are averaged.
- Each launch is one observation. The blocks of a launch resemble each other, so counting
  every block would make the error look too small.
- Each run adds an error of its own, `RUN_SD`. Runs differ by more than their launches
  explain, and one run alone cannot show that error. A baseline of several runs reduces it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from perf.stats.ratio import Estimate, exp_within_limits
from perf.stats.sample import Sample, squares

RUN_SD = 0.006
"""Standard deviation of a run's own error, as a natural logarithm; see docs/method.md."""

OUTLYING = 2.0
"""A block is clipped to this many standard deviations from the median of its run."""

_Floats = NDArray[np.float64]


class TooFewLaunches(ValueError):  # noqa: N818 -- the name itself says what is wrong
    """Every run has one launch only: the spread between launches is unknown."""


@dataclass(frozen=True, slots=True)
class Change:
    """The current run's efficiency over the baseline's, as a natural logarithm."""

    point: float
    """The estimate; 0 means no change, a negative number a loss."""

    standard_error: float
    """The standard error of the estimate."""

    freedom: float
    """The degrees of freedom of the standard error; infinite where it is known."""

    launches: int
    """How many launches the current run has."""

    baseline_launches: int
    """How many launches all runs of the baseline have together."""

    def interval(self, tail: float) -> Estimate:
        """Return the change as a ratio, with an interval that omits `tail` on each side."""
        half_width = self.half_width(tail)
        return Estimate(
            point=exp_within_limits(self.point),
            low=exp_within_limits(self.point - half_width),
            high=exp_within_limits(self.point + half_width),
            confidence=1.0 - 2.0 * tail,
        )

    def half_width(self, tail: float) -> float:
        """Return half the width of that interval, as a natural logarithm."""
        return float(-stdtrit(self.freedom, tail)) * self.standard_error


def tail_of(bound: float) -> float:
    """Return the probability beyond `bound` standard errors, for use with Student's t.

    The bounds of `perf.stats.sequential` hold for a known error. For an estimated error
    the same probability is used with Student's t (Jennison and Turnbull, "Group sequential
    methods", 2000, section 3.8).
    """
    return float(ndtr(-bound))


def estimate_change(current: Sample, *baseline: Sample, run_sd: float = RUN_SD) -> Change:
    """Return the change of efficiency from the baseline to the current run.

    `baseline` has one sample for each of its runs; all runs have the same weight. Ratios
    over the reference take the place of efficiencies where any pair of any run has no
    yardstick.

    The spread between launches is pooled over all runs, as in Student's test of two
    samples, because one run has few launches. `run_sd` is a known error, which every run
    has once. The mean over several runs of the baseline reduces it.

    Raises TooFewLaunches where every run has one launch only, and ValueError without a
    baseline.
    """
    if not baseline:
        raise ValueError("a baseline has at least one run")
    samples = (current, *baseline)
    logs = _winsorised(_log_efficiencies(samples))
    means = [s.launch_means(of_run) for s, of_run in zip(samples, logs, strict=True)]
    counts = np.array([len(of_run) for of_run in means])
    freedom = int(counts.sum()) - len(counts)
    if freedom < 1:
        raise TooFewLaunches(
            "with one launch in every run the spread between launches is unknown"
        )
    launch_variance = sum(squares(of_run) for of_run in means) / freedom
    weights = np.array([1.0, *[1.0 / len(baseline)] * len(baseline)])
    estimated = launch_variance * float(np.sum(weights**2 / counts))
    known = run_sd**2 * float(np.sum(weights**2))
    of_runs = [float(np.mean(of_run)) for of_run in means]
    return Change(
        point=of_runs[0] - float(np.mean(of_runs[1:])),
        standard_error=math.sqrt(estimated + known),
        freedom=_freedom(estimated, known, freedom),
        launches=int(counts[0]),
        baseline_launches=int(counts[1:].sum()),
    )


def all_have_yardsticks(*samples: Sample) -> bool:
    """Return whether efficiencies can be compared; otherwise ratios are.

    All or none: an efficiency and a ratio over the reference cannot be compared.
    """
    return all(pair.yardstick_rps for sample in samples for pair in sample.pairs)


def _log_efficiencies(samples: Sequence[Sample]) -> list[_Floats]:
    if all_have_yardsticks(*samples):
        return [sample.log_efficiencies for sample in samples]
    return [sample.log_ratios for sample in samples]


def _winsorised(runs: Sequence[_Floats]) -> list[_Floats]:
    """Return the runs with every value clipped to `OUTLYING` deviations from its median.

    Each run has a median of its own. The deviation is estimated from the median distance
    from the median, as for normal noise. It is that of the run or that of all runs
    together, whichever is larger, because a run has few values. A deviation of zero clips
    nothing: at least half of the values are equal then. Winsorising is Tukey and
    McLaughlin's (Sankhya A 25, 1963).
    """
    medians = [float(np.median(run)) for run in runs]
    distances = [run - median for run, median in zip(runs, medians, strict=True)]
    of_all = _deviation(np.concatenate(distances))
    clipped = []
    for run, distance, median in zip(runs, distances, medians, strict=True):
        limit = OUTLYING * max(of_all, _deviation(distance))
        clipped.append(median + np.clip(distance, -limit, limit) if limit else run)
    return clipped


def _deviation(distances: _Floats) -> float:
    return float(np.median(np.abs(distances)) / ndtri(0.75))


def _freedom(estimated: float, known: float, freedom: int) -> float:
    """Return the degrees of freedom of the sum of an estimated and a known variance.

    Satterthwaite, "An approximate distribution of estimates of variance components",
    Biometrics Bulletin 2, 1946.
    """
    if estimated <= 0.0:
        return float(freedom) if known <= 0.0 else math.inf
    return freedom * ((estimated + known) / estimated) ** 2
