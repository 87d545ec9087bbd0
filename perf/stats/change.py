"""How much a quantity has changed: since a baseline, or from one tree to another.

Values are compared as natural logarithms of their goodness (`perf.stats.quantity`), so a
negative change is a loss for every quantity. The steps are:

- Outliers are clipped: a block lies at most `OUTLYING` standard deviations from the middle
  of its launch. A disturbance may hit a single block.
- The blocks of each launch are averaged. Each launch is one observation: its blocks
  resemble each other, so counting every block would make the error look too small.
- The variance between launches is estimated for each run on its own, and moderated: two
  launches alone do not tell it (`perf.stats.moderated`).
- Since a baseline, each run adds an error of its own. Runs differ by more than their
  launches explain: the machine drifts over hours. One run cannot show that error. A
  baseline of several runs shows it and reduces it.
- Launches of a capacity have arrivals that depend on their number alone. So a launch is
  compared with those of the same number in the baseline's runs, and the difference is the
  observation. Launches that some run lacks are left out.
- Side by side there is no such error: both trees are measured in the same minutes, and each
  launch gives one difference. A difference far from the others counts as a nearer one, and
  the error is made larger for that (`perf.stats.middle`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from perf.stats.launches import (
    demand_one_kind,
    launch_differences,
    launch_goodness,
    matched_goodness,
)
from perf.stats.middle import middle_of
from perf.stats.moderated import Prior, Variance, moderated, sum_of
from perf.stats.quantity import THROUGHPUT, Quantity
from perf.stats.ratio import Estimate, exp_within_limits
from perf.stats.sample import Block, Sample, squares

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """The current run's goodness less the baseline's, as a natural logarithm."""

    point: float
    """The estimate; 0 means no change, a negative number a loss."""

    standard_error: float
    """The standard error of the estimate."""

    freedom: float
    """The degrees of freedom of the standard error; infinite where it is known."""

    launches: int
    """How many launches the current run has."""

    baseline_launches: float
    """How many launches all runs of the baseline have; infinite side by side."""

    parts: tuple[Variance, ...] = ()
    """The variances that make up the error, each with its degrees of freedom."""

    def interval(self, tail: float, better: int = 1) -> Estimate:
        """Return the change as a ratio, with an interval that omits `tail` on each side.

        `better` is that of the quantity: with -1 it is the ratio of the values again.
        """
        half_width, point = self.half_width(tail), better * self.point
        return Estimate(
            point=exp_within_limits(point),
            low=exp_within_limits(point - half_width),
            high=exp_within_limits(point + half_width),
            confidence=1.0 - 2.0 * tail,
        )

    def half_width(self, tail: float) -> float:
        """Return half the width of that interval, as a natural logarithm.

        Far out, a part with few degrees of freedom may reach beyond what Satterthwaite's
        freedom says of the sum. So no part alone may be wider than the whole.
        """
        whole = Variance(self.standard_error**2, self.freedom)
        return max(
            float(-stdtrit(one.freedom, tail)) * math.sqrt(one.value)
            for one in (whole, *self.parts)
        )


def tail_of(bound: float) -> float:
    """Return the probability beyond `bound` standard errors, for use with Student's t.

    The bounds of `perf.stats.sequential` hold for a known error. For an estimated error
    the same probability is used with Student's t (Jennison and Turnbull, "Group sequential
    methods", 2000, section 3.8).
    """
    return float(ndtr(-bound))


def estimate_change(
    current: Sample, *baseline: Sample, quantity: Quantity = THROUGHPUT
) -> Change:
    """Return the change of the scenario's `quantity` from the baseline to the current run.

    `baseline` has one sample for each of its runs; all runs have the same weight. Raises
    NotMeasuredError, and ValueError without a baseline.
    """
    if not baseline:
        raise ValueError("a baseline has at least one run")
    demand_one_kind(quantity, _of_scenarios(current, *baseline))
    if quantity.matched:
        return _matched_change((current, *baseline), quantity)
    runs = [launch_goodness(sample, quantity) for sample in (current, *baseline)]
    means = np.array([run.mean() for run in runs])
    number = len(baseline)
    parts = [error_of_runs(means[1:], quantity)]
    for place, run in enumerate(runs):
        weight = 1.0 if place == 0 else 1.0 / number
        parts.append(_of_mean(run, quantity).times(weight**2))
    return change_of(
        means[0] - means[1:].mean(),
        *parts,
        launches=len(runs[0]),
        baseline_launches=float(sum(len(run) for run in runs[1:])),
    )


def _matched_change(samples: Sequence[Sample], quantity: Quantity) -> Change:
    """Return the change to the first sample, launch by launch of the same number.

    A difference is made of the run's own launch and the mean of one of each run of the
    baseline, so its variance is that of a launch times 1 + 1 / runs.
    """
    runs = matched_goodness(samples, quantity)
    earlier = np.array(runs[1:])
    differences = runs[0] - earlier.mean(axis=0)
    launches, factor = len(differences), 1.0 + 1.0 / len(earlier)
    prior = Prior(quantity.launch.sd * math.sqrt(factor), quantity.launch.freedom)
    of_launches = moderated(squares(differences), launches - 1, prior)
    return change_of(
        float(differences.mean()),
        error_of_runs(earlier.mean(axis=1), quantity),
        of_launches.times(1.0 / launches),
        launches=launches,
        baseline_launches=math.inf,  # it adds no error that more launches do not reduce
    )


def error_of_runs(means: _Floats, quantity: Quantity) -> Variance:
    """Return the error that a run and its baseline have because runs differ.

    `means` has the mean of each run of the baseline; shape (runs,).
    """
    of_run = moderated(squares(means), len(means) - 1, quantity.run)
    return of_run.times(1.0 + 1.0 / len(means))


def estimate_apart(
    sample: Sample, other: Sample, quantity: Quantity = THROUGHPUT
) -> Change:
    """Return how much better the scenario of `sample` is than that of `other`.

    Both were measured in the same minutes, each in launches of its own. Raises
    NotMeasuredError.
    """
    demand_one_kind(quantity, _of_scenarios(sample, other))
    ours, theirs = launch_goodness(sample, quantity), launch_goodness(other, quantity)
    return change_of(
        float(ours.mean() - theirs.mean()),
        _of_mean(ours, quantity),
        _of_mean(theirs, quantity),
        launches=len(ours),
        baseline_launches=float(len(theirs)),
    )


def estimate_level(sample: Sample, quantity: Quantity = THROUGHPUT) -> Change:
    """Return the goodness of the scenario itself, with the error of its launches.

    Raises NotMeasuredError.
    """
    launches = launch_goodness(sample, quantity)
    return change_of(
        float(launches.mean()),
        _of_mean(launches, quantity),
        launches=len(launches),
        baseline_launches=math.inf,
    )


def estimate_side_by_side(sample: Sample, quantity: Quantity = THROUGHPUT) -> Change:
    """Return the change of `quantity` from the reference's blocks to the scenario's.

    It is the middle of the launches. For a quantity whose outliers are what is judged, it
    is their mean. Raises NotMeasuredError.
    """
    blocks = (block for pair in sample.pairs for block in (pair.scenario, pair.reference))
    demand_one_kind(quantity, blocks)
    differences = launch_differences(sample, quantity)
    if quantity.clipped:
        point, variance = middle_of(differences, quantity.launch)
    else:
        point, variance = float(differences.mean()), _of_mean(differences, quantity)
    return change_of(
        point,
        variance,
        launches=len(differences),
        baseline_launches=math.inf,
    )


def change_of(
    point: float, *parts: Variance, launches: int, baseline_launches: float
) -> Change:
    """Return a change whose error has these independent parts."""
    variance = sum_of(*parts)
    return Change(
        point=float(point),
        standard_error=math.sqrt(variance.value),
        freedom=variance.freedom,
        launches=launches,
        baseline_launches=baseline_launches,
        parts=parts,
    )


def _of_scenarios(*samples: Sample) -> list[Block]:
    return [pair.scenario for sample in samples for pair in sample.pairs]


def _of_mean(launches: _Floats, quantity: Quantity) -> Variance:
    """Return the variance of the mean over the launches of one run."""
    variance = moderated(squares(launches), len(launches) - 1, quantity.launch)
    return variance.times(1.0 / len(launches))
