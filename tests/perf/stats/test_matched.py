"""Changes of what is compared launch by launch, because the arrivals are the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stats import CAPACITY, Pair, Sample, estimate_change, foreseen_since
from perf.stats.moderated import Prior
from tests.perf.stats.simulation import Arms, Floats, Misses, noise, sd_of_a_machine
from tests.perf.stats.strategies import assert_same, properties

UNMATCHED = replace(CAPACITY, matched=False)
ARRIVALS_SD = 0.1
HARD = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4)


def run(
    rng: np.random.Generator, schedules: Floats, *, launch: float, between: float
) -> Sample:
    """Return a run whose launches have these schedules' effects; shape (launches,)."""
    shape = (len(schedules), 1)
    logs = schedules[:, None] + noise(rng, shape, launch=launch, block=0.0)
    return Arms(logs + rng.normal(scale=between)).sample()


def harder(sample: Sample, by: list[float]) -> Sample:
    """Return the sample with a capacity that is changed launch by launch."""

    def changed(pair: Pair) -> Pair:
        rps = pair.scenario.rps * math.exp(by[pair.launch])
        return replace(pair, scenario=replace(pair.scenario, rps=rps))

    return Sample(map(changed, sample.pairs))


def shifted(sample: Sample, launches: int) -> Sample:
    """Return the sample with other launch numbers, as one of several runs has them."""
    return Sample(replace(one, launch=one.launch + launches) for one in sample.pairs)


@given(seed=st.integers(0, 2**32 - 1), by=HARD)
@properties
def test_how_hard_a_schedule_is_does_not_matter(seed: int, by: list[float]) -> None:
    """All runs have the same one in the launch of that number."""
    rng = np.random.default_rng(seed)
    one, other = (run(rng, np.zeros(4), launch=0.05, between=0.03) for _ in range(2))
    assert_same(
        estimate_change(harder(one, by), harder(other, by), quantity=CAPACITY),
        estimate_change(one, other, quantity=CAPACITY),
    )


def misses_of(launches: int, runs: int) -> Misses:
    """Return the misses on machines as different as the priors say."""
    rng, misses = np.random.default_rng(100 * launches + runs), Misses()
    for _ in range(1_500):
        launch = sd_of_a_machine(rng, CAPACITY.launch)
        between = sd_of_a_machine(rng, CAPACITY.run)
        schedules = rng.normal(scale=ARRIVALS_SD, size=launches)
        now, *then = (
            run(rng, schedules, launch=launch, between=between) for _ in range(1 + runs)
        )
        misses.count(estimate_change(now, *then, quantity=CAPACITY), 0.0)
    return misses


@pytest.mark.parametrize(("launches", "runs"), [(2, 2), (4, 3)])
def test_the_interval_holds_the_truth(launches: int, runs: int) -> None:
    """At least 95 % of them do against several runs."""
    misses_of(launches, runs).assert_no_more_than_nominal()


@pytest.mark.parametrize("launches", [2, 4])
def test_against_one_run_the_interval_misses_less_than_twice_as_often(
    launches: int,
) -> None:
    """Two launches and one run say little of both variances: a known limit."""
    misses = misses_of(launches, 1)
    assert misses.below + misses.above < 2 * 0.05 * misses.number


def test_it_is_the_sharper_one_where_schedules_differ() -> None:
    """The error of launches is smaller by a sixth, or more: two against two runs of two."""
    rng = np.random.default_rng(5)
    errors: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(200):
        schedules = rng.normal(scale=ARRIVALS_SD, size=2)
        now, *then = (run(rng, schedules, launch=0.04, between=0.0) for _ in range(3))
        for quantity in (CAPACITY, UNMATCHED):
            alone = replace(quantity, run=Prior(0.0, 1e9))
            found = estimate_change(now, *then, quantity=alone)
            errors[quantity.matched].append(found.standard_error)
    assert np.median(errors[True]) < np.median(errors[False]) / 1.2


def test_launches_that_a_run_lacks_are_left_out() -> None:
    """A run of two launches is compared with the first two of each run of the baseline."""
    rng = np.random.default_rng(7)
    long, other = (run(rng, np.zeros(n), launch=0.05, between=0.0) for n in (4, 3))
    now = run(rng, np.zeros(2), launch=0.05, between=0.0)
    found = estimate_change(now, long, shifted(other, 4), quantity=CAPACITY)
    brief = [Sample(one.pairs[:2]) for one in (long, other)]
    assert_same(found, estimate_change(now, *brief, quantity=CAPACITY))
    assert found.launches == 2


@pytest.mark.parametrize("runs", [1, 3])
def test_what_is_foreseen_is_what_usual_runs_see(runs: int) -> None:
    """The foreseen error is the median error of simulated runs, within a fifth."""
    rng = np.random.default_rng(runs)
    seen, foreseen = [], []
    for _ in range(200):
        now, *then = (
            run(rng, np.zeros(4), launch=CAPACITY.launch.sd, between=CAPACITY.run.sd)
            for _ in range(1 + runs)
        )
        seen.append(estimate_change(now, *then, quantity=CAPACITY).standard_error)
        known = foreseen_since(4, *then, quantity=CAPACITY)
        foreseen.append(known.standard_error)
        assert known.launches == 4
    assert np.median(foreseen) == pytest.approx(np.median(seen), rel=0.2)
