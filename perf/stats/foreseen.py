"""What a run could find, before it is measured: the change with the error to expect.

The point is 0, because nothing is known of a change yet. The error is that of the verdict's
own model, where every unknown variance is as large as its prior says. So it is an estimate:
a machine that is noisier than those of the priors sees less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perf.stats.change import Change, change_of, error_of_runs
from perf.stats.launches import launch_goodness, matched_goodness
from perf.stats.moderated import Prior, Variance, moderated
from perf.stats.quantity import THROUGHPUT, Quantity
from perf.stats.sample import Sample, squares


def foreseen_since(
    launches: int, *baseline: Sample, quantity: Quantity = THROUGHPUT
) -> Change:
    """Return what a run of so many launches would find since a baseline.

    `baseline` has one sample for each of its runs. Raises NotMeasuredError, and ValueError
    without a baseline or a launch.
    """
    if not baseline:
        raise ValueError("a baseline has at least one run")
    if quantity.matched:
        return _foreseen_matched(launches, baseline, quantity)
    runs = [launch_goodness(sample, quantity) for sample in baseline]
    number = len(runs)
    parts = [
        error_of_runs(np.array([run.mean() for run in runs]), quantity),
        _of_mean(launches, quantity.launch),
    ]
    parts += [
        moderated(squares(run), len(run) - 1, quantity.launch).times(
            1.0 / (len(run) * number**2)
        )
        for run in runs
    ]
    return change_of(
        0.0,
        *parts,
        launches=launches,
        baseline_launches=float(sum(len(run) for run in runs)),
    )


def _foreseen_matched(
    launches: int, baseline: Sequence[Sample], quantity: Quantity
) -> Change:
    runs = np.array(matched_goodness(baseline, quantity))
    known = min(launches, runs.shape[1])
    of_mean = _of_mean(known, quantity.launch).times(1.0 + 1.0 / len(runs))
    return change_of(
        0.0,
        error_of_runs(runs.mean(axis=1), quantity),
        of_mean,
        launches=known,
        baseline_launches=math.inf,
    )


def foreseen_side_by_side(launches: int, quantity: Quantity = THROUGHPUT) -> Change:
    """Return what a run side by side of so many launches would find.

    Raises ValueError without a launch.
    """
    return change_of(
        0.0,
        _of_mean(launches, quantity.launch),
        launches=launches,
        baseline_launches=math.inf,
    )


def _of_mean(launches: int, prior: Prior) -> Variance:
    """Return the variance of the mean over launches that are not measured yet."""
    if launches < 1:
        raise ValueError(f"a run has at least one launch, not {launches}")
    return Variance(prior.sd**2, prior.freedom + launches - 1).times(1.0 / launches)
