"""The priors that the recordings suggest: how large a variance usually is.

Each scenario of each recording gives one variance between launches. Each scenario of a
machine with several recordings gives one variance between runs. `perf.stats.moderated`
says how a prior is fitted to them. This module is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from perf.stats import NotMeasuredError, Pair, Quantity, Sample
from perf.stats.change import launch_differences, launch_goodness
from perf.stats.moderated import Prior, fitted

Runs = Sequence[Mapping[str, Sequence[Sequence[Pair]]]]
"""Recorded runs of one machine: the launches of each scenario."""


def launch_prior(machines: Iterable[Runs], quantity: Quantity) -> Prior | None:
    """Return the prior for launches of runs beside the reference, or None."""
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


def _run_variances(
    machines: Iterable[Runs], quantity: Quantity
) -> Iterator[tuple[float, int]]:
    for runs in machines:
        for name in sorted({name for run in runs for name in run}):
            try:
                means = [
                    float(launch_goodness(_sample(run[name]), quantity).mean())
                    for run in runs
                    if name in run
                ]
            except NotMeasuredError:
                continue
            if len(means) > 1:
                yield float(np.var(means, ddof=1)), len(means) - 1


def _sample(launches: Sequence[Sequence[Pair]]) -> Sample:
    return Sample(pair for launch in launches for pair in launch)
