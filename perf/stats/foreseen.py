"""What a run could find, before it is measured: the change with the error to expect.

The point is 0, because nothing is known of a change yet. The error is that of the verdict's
own model, where every unknown variance is as large as its prior says. So it is an estimate:
a machine that is noisier than those of the priors sees less.
"""

from __future__ import annotations

import math

import numpy as np

from perf.stats.change import Change, change_of, launch_goodness
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
    runs = [launch_goodness(sample, quantity) for sample in baseline]
    number = len(runs)
    between = squares(np.array([run.mean() for run in runs]))
    parts = [
        moderated(between, number - 1, quantity.run).times(1.0 + 1.0 / number),
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
