"""How much a scenario's speed has changed since its baseline, and how well that is known.

What is compared is the logarithm of scenario over yardstick, block by block. Two things
that the machine does are taken out first: what slows the yardstick too, by the division,
and the placement of its cores, by regression on the share of core-to-core times that
show them apart (analysis of covariance; the slope is common to both runs). What is left
is averaged over each launch, and the launches are the draws: blocks of one launch
resemble each other, so counting blocks would promise too much. Runs differ by more than
their launches do; that error cannot be seen within one run, and is `RUN_SD`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from perf.stats.ratio import Estimate, exp_within_limits
from perf.stats.sample import Sample

RUN_SD = 0.02
"""Standard deviation of a run's own error, of the logarithm; see METHOD.md."""

APART = 1.35
"""A step that takes this many times the shortest is one between cores that are apart."""

_SHORTEST_PERCENTILE = 5
_LEAST_SPREAD = 1e-9
_Floats = NDArray[np.float64]
_Samples = tuple[Sample, Sample]


class TooFewLaunches(ValueError):  # noqa: N818 -- says what is wrong, as its callers read it
    """One launch on either side: launches have no spread that could be seen."""


@dataclass(frozen=True, slots=True)
class Change:
    """The current speed over the baseline's, on the scale of logarithms.

    `point` is the estimate, `standard_error` its error, of which `freedom` degrees were
    left to judge it by. `launches` and `baseline_launches` are how many stand behind it;
    `slope` is what it costs when all steps show the cores apart.
    """

    point: float
    standard_error: float
    freedom: float
    launches: int
    baseline_launches: int
    slope: float

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


def estimate_change(current: Sample, baseline: Sample, run_sd: float = RUN_SD) -> Change:
    """Return current over baseline. Raises TooFewLaunches where no error can be given.

    The spread between launches is pooled over both runs, as Student's for two samples,
    for a run has few. `run_sd` enters once for each run, as known. Speeds are over the
    yardstick where every pair of both runs has one, else over the reference.
    """
    samples = (current, baseline)
    speeds = _log_speeds(samples)
    shares = _shares_apart(samples)
    slope = _slope(speeds, shares)
    rests = [speed - slope * share for speed, share in zip(speeds, shares, strict=True)]
    means = [_launch_means(s, rest) for s, rest in zip(samples, rests, strict=True)]
    launches, base_launches = (len(of_run) for of_run in means)
    freedom = launches + base_launches - 2
    if freedom < 1:
        raise TooFewLaunches("one launch on either side has no spread between launches")
    if slope:
        freedom = max(1, freedom - 1)
    launch_variance = sum(_squares(of_run) for of_run in means) / freedom
    estimated = launch_variance * (1.0 / launches + 1.0 / base_launches)
    share, base_share = (
        float(_launch_means(s, of_run).mean())
        for s, of_run in zip(samples, shares, strict=True)
    )
    if share != base_share:
        variance = _slope_variance(samples, shares, rests, launch_variance)
        estimated += (share - base_share) ** 2 * variance
    known = 2.0 * run_sd**2
    return Change(
        point=float(np.mean(means[0]) - np.mean(means[1])),
        standard_error=math.sqrt(estimated + known),
        freedom=_freedom(estimated, known, freedom),
        launches=launches,
        baseline_launches=base_launches,
        slope=slope,
    )


def _log_speeds(samples: _Samples) -> list[_Floats]:
    if all(pair.yardstick_rps for sample in samples for pair in sample.pairs):
        return [sample.log_speeds for sample in samples]
    return [sample.log_ratios for sample in samples]


def _shares_apart(samples: _Samples) -> list[_Floats]:
    """Return for each block the share of its two steps that show the cores apart.

    Zero for all where a step is not known: nothing is then taken out.
    """
    steps = [sample.steps_ns for sample in samples]
    if any(np.isnan(of_run).any() for of_run in steps):
        return [np.zeros(len(sample)) for sample in samples]
    # Of the run that saw the cores closer: the other may never have.
    shortest_ns = min(float(np.percentile(one, _SHORTEST_PERCENTILE)) for one in steps)
    return [(of_run > APART * shortest_ns).mean(axis=1) for of_run in steps]


def _slope(speeds: Sequence[_Floats], shares: Sequence[_Floats]) -> float:
    """Return the common slope of speed on share, by least squares; 0 without a spread.

    Each run has its own mean.
    """
    centred = _centred(shares)
    spread = float(centred @ centred)
    if spread < _LEAST_SPREAD:
        return 0.0
    return float(centred @ _centred(speeds)) / spread


def _slope_variance(
    samples: _Samples,
    shares: Sequence[_Floats],
    rests: Sequence[_Floats],
    launch_variance: float,
) -> float:
    """Return the variance of the slope, of launches and of blocks within them.

    Without any spread of the shares within the runs it is beyond all bounds.
    """
    centred = _centred(shares)
    spread = float(centred @ centred)
    if spread < _LEAST_SPREAD:
        return math.exp(100.0)
    between = within = squares = 0.0
    blocks = launches = 0
    for sample, share, rest in zip(samples, shares, rests, strict=True):
        of_run = share - share.mean()
        for one in np.unique(sample.launches):
            chosen = sample.launches == one
            between += float(of_run[chosen].sum()) ** 2
            within += _squares(of_run[chosen])
            squares += _squares(rest[chosen])
            blocks += int(chosen.sum())
            launches += 1
    block_variance = squares / max(1, blocks - launches)
    return (launch_variance * between + block_variance * within) / spread**2


def _centred(runs: Sequence[_Floats]) -> _Floats:
    return np.concatenate([of_run - of_run.mean() for of_run in runs])


def _launch_means(sample: Sample, values: _Floats) -> _Floats:
    launches = sample.launches
    return np.array([values[launches == one].mean() for one in np.unique(launches)])


def _squares(values: _Floats) -> float:
    return float(np.sum((values - values.mean()) ** 2))


def _freedom(estimated: float, known: float, freedom: int) -> float:
    """Return Satterthwaite's degrees for an estimated and a known part of a variance."""
    if estimated <= 0.0:
        return float(freedom) if known <= 0.0 else math.inf
    return freedom * ((estimated + known) / estimated) ** 2
