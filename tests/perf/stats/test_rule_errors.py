"""How often the rule is wrong: simulated runs, over all of their looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from perf.stats import (
    THROUGHPUT,
    Change,
    Rule,
    Sample,
    Verdict,
    estimate_change,
    estimate_side_by_side,
)
from perf.stats.moderated import Prior
from perf.stats.rule import PASS_ALPHA, RUN_ALPHA
from tests.perf.stats.simulation import Arms, noise, sd_of_a_machine

# One scenario with the whole error of the run, so that errors are often enough to count.
RULE = Rule(planned=4, scenarios=1, tolerance=0.05)
ALARMS = {Verdict.REGRESSED, Verdict.IMPROVED}


def machine_run(rng: np.random.Generator, launches: int, *, level: float = 0.0) -> Sample:
    """Return a run of two pairs each, on a machine whose launches differ as machines do.

    Blocks differ as much as launches; `level` is what all of them share.
    """
    sd = sd_of_a_machine(rng, THROUGHPUT.launch) / math.sqrt(1.5)
    logs = noise(rng, (launches, 2), launch=sd, block=sd)
    return Arms(logs + level).sample()


def looks(current: Sample, estimate: Callable[[Sample], Change]) -> Iterator[Verdict]:
    """Yield the verdict after each launch of the run, starting with the second."""
    for launches in range(2, RULE.planned + 1):
        seen = Sample(pair for pair in current.pairs if pair.launch < launches)
        yield RULE.verdict(estimate(seen))


def since(*baseline: Sample) -> Callable[[Sample], Change]:
    """Return the estimate of the change since a baseline."""
    return lambda seen: estimate_change(seen, *baseline)


def first_certain(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first verdict that is certain, or else the last."""
    verdict = Verdict.INCONCLUSIVE
    for verdict in verdicts:
        if verdict.is_certain:
            break
    return verdict


def at_most(share: float, number: int) -> float:
    """Return the share of a number, plus four standard errors of that count."""
    return number * share + 4.0 * math.sqrt(number * share * (1.0 - share))


def test_side_by_side_false_alarms_stay_within_the_allowed_error() -> None:
    """At most 1 % of 4,000 runs without a change raise an alarm at some look.

    No run stops early here, so every look could raise one.
    """
    rng = np.random.default_rng(20250401)
    alarms = sum(
        bool(ALARMS.intersection(looks(machine_run(rng, 4), estimate_side_by_side)))
        for _ in range(4_000)
    )
    assert alarms <= at_most(RUN_ALPHA, 4_000)


def test_since_a_baseline_false_alarms_stay_within_the_allowed_error() -> None:
    """The same holds since a baseline of several runs, which differ as is assumed."""
    rng = np.random.default_rng(20250402)
    number, alarms = 1_000, 0
    for _ in range(number):
        sd = sd_of_a_machine(rng, THROUGHPUT.run)
        current, *baseline = (
            machine_run(rng, 4, level=rng.normal(0.0, sd)) for _ in range(1 + 4)
        )
        alarms += bool(ALARMS.intersection(looks(current, since(*baseline))))
    assert alarms <= at_most(RUN_ALPHA, number)


@pytest.mark.parametrize("edge", [0.95, 1 / 0.95])
def test_a_change_at_the_edge_seldom_passes(edge: float) -> None:
    """If the true change is the tolerance, at most 2.5 % of the runs are called unchanged.

    They stop with the first certain verdict.
    """
    rng = np.random.default_rng(17)
    passed = 0
    for _ in range(2_000):
        run = machine_run(rng, 4, level=math.log(edge))
        passed += first_certain(looks(run, estimate_side_by_side)) is Verdict.UNCHANGED
    assert passed <= at_most(PASS_ALPHA, 2_000)


def test_a_large_loss_is_found() -> None:
    """A loss of 20 % side by side is called regressed in at least 95 % of the runs."""
    rng = np.random.default_rng(18)
    found = 0
    for _ in range(500):
        run = machine_run(rng, 4, level=math.log(0.8))
        found += first_certain(looks(run, estimate_side_by_side)) is Verdict.REGRESSED
    assert found >= 0.95 * 500


def test_the_smallest_seen_with_an_estimated_error() -> None:
    """With an error estimated from four launches, 91 to 99 % of the runs raise an alarm.

    The loss is the median of the losses that runs without any change return. Their
    estimated errors differ from run to run.
    """
    rng = np.random.default_rng(23)
    usual = replace(THROUGHPUT, launch=Prior(0.012, 20.0))

    def measured(loss: float) -> Change:
        logs = noise(rng, (4, 1), launch=0.012, block=0.0) + math.log1p(-loss)
        return estimate_side_by_side(Arms(logs).sample(), usual)

    size = float(np.median([RULE.smallest_seen(measured(0.0)) for _ in range(500)]))
    seen = sum(RULE.verdict(measured(size)) is Verdict.REGRESSED for _ in range(2_000))
    assert seen / 2_000 == pytest.approx(0.95, abs=0.04)
