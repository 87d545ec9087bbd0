"""The error of a change: compared with the textbook, and with simulated runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from perf.stats import (
    THROUGHPUT,
    Quantity,
    Sample,
    estimate_change,
    estimate_side_by_side,
)
from perf.stats.moderated import Prior
from tests.perf.stats.simulation import Arms, Misses, noise, sd_of_a_machine

TRUTH = math.log(0.9)  # the change of the simulated runs
KNOWN_RUN = 0.01
# How runs differ is known exactly, so that only what launches show is estimated.
KNOWN = replace(THROUGHPUT, run=Prior(KNOWN_RUN, 1e9))
# Machines are much alike.
ALIKE = replace(KNOWN, launch=Prior(0.012, 20.0))


def deviation(rng: np.random.Generator, each: int, prior: Prior) -> float:
    """Return how much the launches of a machine differ, and its blocks as much again.

    The means of launches of `each` blocks differ as the prior says.
    """
    return sd_of_a_machine(rng, prior) / math.sqrt(1.0 + 1.0 / each)


def machine_run(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    level: float = 0.0,
    prior: Prior = THROUGHPUT.launch,
    heavy: bool = False,
) -> Sample:
    """Return a run on a machine whose launches differ as machines do.

    `level` is what all of them share.
    """
    sd = deviation(rng, shape[1], prior)
    return Arms(noise(rng, shape, launch=sd, block=sd, heavy=heavy) + level).sample()


def test_the_error_is_that_of_welch() -> None:
    """Without priors, the interval is Welch's for two samples: the means of the launches.

    The variances are unequal here.
    """
    rng = np.random.default_rng(4)
    logs = [noise(rng, (n, 1), launch=sd, block=0.0) for n, sd in ((4, 0.01), (7, 0.05))]
    unknown = replace(THROUGHPUT, launch=Prior(0.01, 1e-9), run=Prior(0.0, 1e9))
    change = estimate_change(*(Arms(each).sample() for each in logs), quantity=unknown)
    welch = stats.ttest_ind(*(each.ravel() for each in logs), equal_var=False)
    expected = welch.confidence_interval(0.9)
    got = change.interval(0.05)
    assert (math.log(got.low), math.log(got.high)) == pytest.approx(tuple(expected))
    assert math.exp(change.point) == got.point
    assert got.confidence == pytest.approx(0.9)
    assert change.freedom == pytest.approx(welch.df)


def test_the_error_of_a_run_adds_to_that_of_its_launches() -> None:
    """The errors of two runs add to those of the launches; if known, they are certain."""
    rng = np.random.default_rng(4)
    runs = [Arms(noise(rng, (4, 4), launch=0.02, block=0.0)).sample() for _ in range(2)]
    none, known = (
        estimate_change(*runs, quantity=replace(THROUGHPUT, run=Prior(sd, 1e9)))
        for sd in (0.0, 0.03)
    )
    assert known.point == none.point
    assert known.standard_error == pytest.approx(
        math.hypot(none.standard_error, 0.03, 0.03)
    )
    assert known.freedom > none.freedom


@pytest.mark.parametrize("launches", [2, 4, 8])
@pytest.mark.parametrize("heavy", [False, True])
def test_intervals_side_by_side_keep_their_confidence(
    *, launches: int, heavy: bool
) -> None:
    """2.5 % of the 95 % intervals miss on each side; no more with heavy tails."""
    rng, misses = np.random.default_rng(20250401), Misses()
    for _ in range(1_500):
        sample = machine_run(rng, (launches, 4), level=TRUTH, heavy=heavy)
        misses.count(estimate_side_by_side(sample), TRUTH)
    if heavy:
        misses.assert_no_more_than_nominal()
    else:
        misses.assert_nominal()


def since_a_run(
    launches: int, base_launches: int, quantity: Quantity, *, heavy: bool = False
) -> Misses:
    """Return the misses where launches of run and baseline differ as `quantity` says.

    Those of the run differ more or less than those of the baseline do.
    """
    rng, misses = np.random.default_rng(20250402), Misses()
    prior = quantity.launch
    for _ in range(1_000):
        current, base = (
            machine_run(
                rng, (n, 2), level=rng.normal(mean, KNOWN_RUN), prior=prior, heavy=heavy
            )
            for n, mean in ((launches, TRUTH), (base_launches, 0.0))
        )
        misses.count(estimate_change(current, base, quantity=quantity), TRUTH)
    return misses


@pytest.mark.parametrize(("launches", "base_launches"), [(2, 2), (2, 10), (4, 4)])
def test_intervals_since_a_baseline_keep_their_confidence(
    launches: int, base_launches: int
) -> None:
    """2.5 % of the 95 % intervals miss on each side; no more with heavy tails."""
    since_a_run(launches, base_launches, ALIKE).assert_nominal()
    heavy = since_a_run(launches, base_launches, ALIKE, heavy=True)
    heavy.assert_no_more_than_nominal()


def test_where_machines_differ_much_intervals_miss_a_little_more() -> None:
    """Under the prior of the suite, 7 % and not 5 % of the 95 % intervals miss.

    This is a known limit. Satterthwaite's degrees of freedom are those of a sum of
    variances that are estimated without a prior. The errors of runs and launches are
    a sum of Student's t, whose tails are heavier.
    """
    misses = since_a_run(2, 2, KNOWN)
    assert misses.below + misses.above < 0.09 * misses.number


@pytest.mark.parametrize("sds", [(0.01, 0.08), (0.08, 0.01)])
def test_very_unequal_variances_keep_the_confidence(sds: tuple[float, float]) -> None:
    """Where nothing is known of launches, runs may differ eightfold in their spread."""
    unknown = replace(THROUGHPUT, launch=Prior(0.01, 1e-9), run=Prior(0.0, 1e9))
    rng, misses = np.random.default_rng(20250403), Misses()
    for _ in range(1_500):
        current, base = (
            Arms(noise(rng, (6, 1), launch=sd, block=0.0)).sample() for sd in sds
        )
        misses.count(estimate_change(current, base, quantity=unknown), 0.0)
    misses.assert_nominal()


def since_baselines(runs: int, shape: tuple[int, int], quantity: Quantity) -> Misses:
    """Return the misses where the runs of a machine differ as `quantity.run` says."""
    rng, misses = np.random.default_rng(20250404), Misses()
    for _ in range(1_000):
        sd = sd_of_a_machine(rng, quantity.run)
        current, *baseline = (
            machine_run(rng, shape, level=rng.normal(mean, sd))
            for mean in (TRUTH, *[0.0] * runs)
        )
        misses.count(estimate_change(current, *baseline, quantity=quantity), TRUTH)
    return misses


def test_a_baseline_of_several_runs_keeps_the_confidence() -> None:
    """How runs differ is estimated too, from the baseline and what is usual."""
    since_baselines(4, (3, 2), THROUGHPUT).assert_nominal()


def test_a_baseline_of_one_run_misses_less_than_twice_as_often() -> None:
    """The error of one run is known from others only, and hardly: a known limit.

    Satterthwaite's degrees of freedom are too many for so uncertain a part. About 6.5 %
    of the 95 % intervals miss, where machines differ as much as is assumed.
    """
    misses = since_baselines(1, (3, 2), THROUGHPUT)
    assert misses.below + misses.above < 2 * 0.05 * misses.number


def drifting(rng: np.random.Generator, *, launches: int, gauged: bool) -> Arms:
    """Return a run in which the machine becomes a third slower, step by step.

    The scenario's blocks follow those of the reference. Without `gauged`, the pace is not
    read.
    """
    times = np.linspace(0.0, math.log(2 / 3), launches * 8).reshape(launches, 4, 2)
    theirs, ours = times[:, :, 0], times[:, :, 1]
    sd = deviation(rng, 4, ALIKE.launch)
    return Arms(
        noise(rng, (launches, 4), launch=sd, block=sd) + ours,
        reference=theirs,
        scenario_pace=ours if gauged else None,
        reference_pace=theirs if gauged else None,
    )


def test_a_drift_of_the_pace_is_no_change() -> None:
    """A machine that slows down during a run changes nothing if its pace is read.

    Otherwise, two of three intervals since a baseline would miss the truth.
    """
    for gauged in (True, False):
        rng, beside, since = np.random.default_rng(20250405), Misses(), Misses()
        for _ in range(1_000):
            level = rng.normal(0.0, KNOWN_RUN)
            steady = machine_run(rng, (4, 4), level=level, prior=ALIKE.launch)
            arms = drifting(rng, launches=4, gauged=gauged)
            beside.count(estimate_side_by_side(arms.sample(), ALIKE), 0.0)
            run = replace(arms, scenario=arms.scenario + rng.normal(0.0, KNOWN_RUN))
            since.count(estimate_change(run.sample(), steady, quantity=ALIKE), 0.0)
        if gauged:
            beside.assert_nominal()
            since.assert_nominal()
        else:
            assert beside.below > 2 * 0.025 * beside.number
            assert since.below > 2 / 3 * since.number


def test_counting_every_block_would_miss_too_often() -> None:
    """If every block counted as one observation, the intervals would be too narrow."""
    unknown = replace(THROUGHPUT, launch=Prior(0.01, 1e-9))
    rng, as_blocks, as_launches = np.random.default_rng(20250406), Misses(), Misses()
    for _ in range(1_000):
        sample = Arms(noise(rng, (4, 4), launch=0.02, block=0.02)).sample()
        apart = Sample(replace(p, launch=k) for k, p in enumerate(sample.pairs))
        as_blocks.count(estimate_side_by_side(apart, unknown), 0.0)
        as_launches.count(estimate_side_by_side(sample, unknown), 0.0)
    assert as_blocks.below + as_blocks.above > 1_000 / 5
    as_launches.assert_nominal()
