"""The priors that the recordings suggest: how large a variance usually is.

Each scenario of each recording gives one variance between launches. Each scenario of a
machine with several recordings gives one variance between runs. Launches that are matched
by their number give one variance for each scenario of a machine: what is left in its runs
without what the number explains. `perf.stats.moderated` says how a prior is fitted to them.
This module is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perf.stats import NotMeasuredError, Pair, Quantity, Sample
from perf.stats.launches import launch_differences, launch_goodness, matched_goodness
from perf.stats.moderated import Prior, fitted

Runs = Sequence[Mapping[str, Sequence[Sequence[Pair]]]]
"""Recorded runs of one machine: the launches of each scenario."""

Floats = NDArray[np.float64]


def launch_prior(machines: Iterable[Runs], quantity: Quantity) -> Prior | None:
    """Return the prior for launches of runs beside the reference, or None."""
    if quantity.matched:
        return _fitted(_matched_variances(machines, quantity))
    return _fitted(_launch_variances(machines, quantity, side_by_side=False))


def beside_prior(machines: Iterable[Runs], quantity: Quantity) -> Prior | None:
    """Return the prior for launches of runs side by side, or None."""
    return _fitted(_launch_variances(machines, quantity, side_by_side=True))


def run_prior(machines: Iterable[Runs], quantity: Quantity) -> Prior | None:
    """Return the prior for runs, or None."""
    return _fitted(_run_variances(machines, quantity))


def _fitted(variances: Iterable[tuple[float, int]]) -> Prior | None:
    known = [one for one in variances if one[0] > 0.0]
    return fitted(known) if len(known) > 1 else None


def _launch_variances(
    machines: Iterable[Runs], quantity: Quantity, *, side_by_side: bool
) -> Iterator[tuple[float, int]]:
    values = launch_differences if side_by_side else launch_goodness
    for runs in machines:
        for run in runs:
            for launches in run.values():
                try:
                    found = values(_sample(launches), quantity)
                except NotMeasuredError:
                    continue
                if len(found) > 1:
                    yield float(found.var(ddof=1)), len(found) - 1


def _matched_variances(
    machines: Iterable[Runs], quantity: Quantity
) -> Iterator[tuple[float, int]]:
    """Yield the variances that neither the run nor the number of the launch explains.

    They are the residuals of a two-way analysis of variance without interaction.
    """
    for runs in machines:
        for samples in _samples_by_name(runs).values():
            try:
                values = np.array(matched_goodness(samples, quantity))
            except NotMeasuredError:
                continue
            freedom = (values.shape[0] - 1) * (values.shape[1] - 1)
            if freedom > 0:
                rows = values.mean(axis=1, keepdims=True)
                columns = values.mean(axis=0, keepdims=True)
                left = values - rows - columns + values.mean()
                yield float(np.square(left).sum()) / freedom, freedom


def _run_variances(
    machines: Iterable[Runs], quantity: Quantity
) -> Iterator[tuple[float, int]]:
    for runs in machines:
        for samples in _samples_by_name(runs).values():
            try:
                means = [float(one.mean()) for one in _of_runs(samples, quantity)]
            except NotMeasuredError:
                continue
            if len(means) > 1:
                yield float(np.var(means, ddof=1)), len(means) - 1


def _of_runs(samples: Sequence[Sample], quantity: Quantity) -> Sequence[Floats]:
    """Return the goodness of the launches of each run, matched ones of the same numbers."""
    if quantity.matched:
        return matched_goodness(samples, quantity)
    return [launch_goodness(sample, quantity) for sample in samples]


def _samples_by_name(runs: Runs) -> dict[str, list[Sample]]:
    names = sorted({name for run in runs for name in run})
    return {name: [_sample(run[name]) for run in runs if name in run] for name in names}


def _sample(launches: Sequence[Sequence[Pair]]) -> Sample:
    return Sample(pair for launch in launches for pair in launch)
