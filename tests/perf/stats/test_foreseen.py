"""What a run could find, before it is measured."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from perf.stats import (
    THROUGHPUT,
    Rule,
    estimate_change,
    estimate_side_by_side,
    foreseen_side_by_side,
    foreseen_since,
)
from tests.perf.stats.simulation import Arms, noise

BLOCK_SD = 0.01
RUN_SD = THROUGHPUT.run.sd
LAUNCH_SD = THROUGHPUT.launch.sd


def drawn(rng: np.random.Generator, launches: int) -> Arms:
    """Return a run of unchanged code on a usual machine."""
    shape = (launches, 2)
    scenario = noise(rng, shape, launch=LAUNCH_SD, block=BLOCK_SD)
    return Arms(scenario + rng.normal(scale=RUN_SD))


def rule(launches: int) -> Rule:
    """Return the rule of the only scenario of a run."""
    return Rule(planned=launches, scenarios=1, tolerance=0.02, share=0.7)


@pytest.mark.parametrize("launches", [2, 4, 12])
def test_side_by_side_it_is_what_usual_runs_see(launches: int) -> None:
    """The median of simulated runs has the same smallest loss, within a fifth."""
    rng = np.random.default_rng(launches)
    seen = [
        rule(launches).smallest_seen(estimate_side_by_side(drawn(rng, launches).sample()))
        for _ in range(200)
    ]
    foreseen = rule(launches).smallest_seen(foreseen_side_by_side(launches))
    assert foreseen == pytest.approx(statistics.median(seen), rel=0.2)


@pytest.mark.parametrize("runs", [1, 3, 10])
def test_since_a_baseline_it_is_what_usual_runs_see(runs: int) -> None:
    """The same, whatever the number of the baseline's runs."""
    rng = np.random.default_rng(runs)
    seen, foreseen = [], []
    for _ in range(100):
        baseline = [drawn(rng, 10).sample() for _ in range(runs)]
        now = estimate_change(drawn(rng, 4).sample(), *baseline)
        seen.append(rule(4).smallest_seen(now))
        foreseen.append(rule(4).smallest_seen(foreseen_since(4, *baseline)))
    assert statistics.median(foreseen) == pytest.approx(statistics.median(seen), rel=0.2)


def test_more_launches_make_the_error_smaller() -> None:
    """With a thousand of them it is that of the baseline and the runs alone."""
    errors = [foreseen_side_by_side(n).standard_error for n in (1, 2, 8, 1000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(LAUNCH_SD / math.sqrt(1000))
    baseline = drawn(np.random.default_rng(0), 10).sample()
    least = foreseen_since(10**6, baseline).standard_error
    assert least >= RUN_SD


def test_nothing_is_said_of_the_change_itself() -> None:
    """Its point is 0, and it has the launches that were asked for."""
    change = foreseen_side_by_side(5)
    assert (change.point, change.launches, change.baseline_launches) == (0.0, 5, math.inf)
    assert len(change.parts) == 1


def test_a_run_has_a_launch_and_a_baseline_a_run() -> None:
    """Anything else raises ValueError."""
    with pytest.raises(ValueError, match="at least one launch"):
        foreseen_side_by_side(0)
    with pytest.raises(ValueError, match="at least one run"):
        foreseen_since(3)
