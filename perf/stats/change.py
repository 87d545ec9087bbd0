"""How much a scenario's speed has changed since its baseline, and how well that is known.

What is compared is the logarithm of scenario over yardstick, block by block: what slows
the yardstick too is taken out by the division. A block that lies far outside the others,
for something happened to it or to its yardstick alone, is drawn in to where its like end.
Then it is averaged over each launch, and the launches are the draws: blocks of one launch
resemble each other, so counting blocks would promise too much. Runs differ by more than
their launches do; that error cannot be seen within one run, and is `RUN_SD`. So a baseline
is of several runs where it can be.
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
"""Standard deviation of a run's own error, of the logarithm; see docs/method.md."""

OUTLYING = 2.0
"""How many standard deviations from its run's median a block may lie."""

_Floats = NDArray[np.float64]


class TooFewLaunches(ValueError):  # noqa: N818 -- says what is wrong, as its callers read it
    """One launch on either side: launches have no spread that could be seen."""


@dataclass(frozen=True, slots=True)
class Change:
    """The current speed over the baseline's, on the scale of logarithms.

    `point` is the estimate, `standard_error` its error, of which `freedom` degrees were
    left to judge it by. `launches` and `baseline_launches` are how many stand behind it.
    """

    point: float
    standard_error: float
    freedom: float
    launches: int
    baseline_launches: int

    def interval(self, tail: float) -> Estimate:
        """Return the ratio with an interval that leaves `tail` out on each side."""
        half_width = self.half_width(tail)
        return Estimate(
            point=exp_within_limits(self.point),
            low=exp_within_limits(self.point - half_width),
            high=exp_within_limits(self.point + half_width),
            confidence=1.0 - 2.0 * tail,
        )

    def half_width(self, tail: float) -> float:
        """Return half the width of that interval, on the scale of logarithms."""
        return float(-stdtrit(self.freedom, tail)) * self.standard_error


def tail_of(bound: float) -> float:
    """Return the probability beyond `bound` standard errors, to be used with Student's t.

    The bounds of `sequential` hold for a known error. For one that is estimated, the
    same probability is left out (Jennison and Turnbull, "Group sequential methods",
    2000, section 3.8).
    """
    return float(ndtr(-bound))


def estimate_change(current: Sample, *baseline: Sample, run_sd: float = RUN_SD) -> Change:
    """Return current over the mean of the baseline's runs, one sample each.

    Raises TooFewLaunches where no error can be given, and ValueError without a run to
    compare with. The spread between launches is pooled over all runs, as Student's for
    two samples, for a run has few. `run_sd` enters once for each run, as known; of several
    runs in the baseline it averages out. Speeds are over the yardstick where every pair
    of every run has one, else over the reference.
    """
    if not baseline:
        raise ValueError("a baseline has at least one run")
    samples = (current, *baseline)
    speeds = _winsorised(_log_speeds(samples))
    means = [s.launch_means(of_run) for s, of_run in zip(samples, speeds, strict=True)]
    counts = np.array([len(of_run) for of_run in means])
    freedom = int(counts.sum()) - len(counts)
    if freedom < 1:
        raise TooFewLaunches("one launch on either side has no spread between launches")
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


def _log_speeds(samples: Sequence[Sample]) -> list[_Floats]:
    if all(pair.yardstick_rps for sample in samples for pair in sample.pairs):
        return [sample.log_speeds for sample in samples]
    return [sample.log_ratios for sample in samples]


def _winsorised(runs: Sequence[_Floats]) -> list[_Floats]:
    """Return each run with no value more than `OUTLYING` deviations from its median.

    The deviation is that of normal noise with the same median distance from the median:
    the run's own, or that of all runs where it is larger, for a run has few values.
    Winsorising is Tukey and McLaughlin's (Sankhya A 25, 1963). Where most values are
    alike nothing is outlying.
    """
    medians = [float(np.median(run)) for run in runs]
    rests = [run - median for run, median in zip(runs, medians, strict=True)]
    of_all = _deviation(np.concatenate(rests))
    drawn_in = []
    for run, rest, median in zip(runs, rests, medians, strict=True):
        reach = OUTLYING * max(of_all, _deviation(rest))
        drawn_in.append(median + np.clip(rest, -reach, reach) if reach else run)
    return drawn_in


def _deviation(rest: _Floats) -> float:
    return float(np.median(np.abs(rest)) / ndtri(0.75))


def _freedom(estimated: float, known: float, freedom: int) -> float:
    """Return Satterthwaite's degrees for an estimated and a known part of a variance."""
    if estimated <= 0.0:
        return float(freedom) if known <= 0.0 else math.inf
    return freedom * ((estimated + known) / estimated) ** 2
