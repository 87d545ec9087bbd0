"""Runs that are drawn from recorded runs, and the verdicts on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.stats import Rule, Sample, Verdict, estimate_change
from perf.trust.draws import Plan, SideBySide, SinceBaseline, first_verdict, slowed, tally
from tests.perf.trust.examples import steady_run

PLAN = Plan(planned=9, tolerances={"serving": 0.05})
BESIDE = SideBySide(
    [{"serving": steady_run(1)}], replace(PLAN, tolerances={"serving": 0.015})
)


def since(number: int, plan: Plan = PLAN) -> SinceBaseline:
    """Return draws from so many recorded runs."""
    return SinceBaseline([{"serving": steady_run(seed)} for seed in range(number)], plan)


def test_the_seed_decides_what_is_drawn() -> None:
    """The same seed gives the same verdicts, another seed gives others."""
    first, again, other = (
        tally(BESIDE, number=40, seed=seed, loss=0.013) for seed in (1, 1, 2)
    )
    assert (first.verdicts, first.launches) == (again.verdicts, again.launches)
    assert (first.verdicts, first.launches) != (other.verdicts, other.launches)


def test_a_baseline_of_two_runs_needs_three_recordings() -> None:
    """The run and each run of its baseline come from different recordings."""
    plan = replace(PLAN, baseline_runs=2)
    assert since(2, plan).names == []
    assert since(3, plan).names == ["serving"]


def test_a_loss_is_seen_and_no_change_is_none() -> None:
    """Side by side a loss of 5 % is always seen, where launches differ by 0.5 %."""
    same = tally(BESIDE, number=100, seed=1)
    assert same.alarms <= 2
    assert same.verdicts["serving"][Verdict.UNCHANGED] >= 50
    slower = tally(BESIDE, number=100, seed=1, loss=0.05)
    assert slower.verdicts["serving"] == {Verdict.REGRESSED: 100}
    assert slower.alarms == 100


def test_without_pace_less_is_seen() -> None:
    """The pace of the two blocks of a pair differs; without it their noise stays."""
    blind = replace(BESIDE, paced=False)
    seen = [
        tally(draw, number=50, seed=1, loss=0.05).verdicts["serving"][Verdict.REGRESSED]
        for draw in (BESIDE, blind)
    ]
    assert seen[0] > seen[1]


def test_a_certain_verdict_ends_the_run() -> None:
    """Launches after the first certain verdict are not used."""
    run = [[slowed(pair, 0.5) for pair in launch] for launch in steady_run(1)]
    baselines = [Sample(p for x in steady_run(seed) for p in x) for seed in (2, 3, 4, 5)]
    rule = Rule(planned=6, scenarios=1, tolerance=0.05)
    found = first_verdict(run, lambda sample: estimate_change(sample, *baselines), rule)
    assert found == (Verdict.REGRESSED, 2)


def test_an_open_run_has_all_its_launches() -> None:
    """Where no verdict is certain, all launches are used."""
    run = steady_run(1, launches=3)
    rule = Rule(planned=3, scenarios=1, tolerance=0.0001)
    baseline = Sample(pair for launch in steady_run(2) for pair in launch)
    found = first_verdict(run, lambda sample: estimate_change(sample, baseline), rule)
    assert found == (Verdict.INCONCLUSIVE, 3)


def test_a_loss_reduces_our_throughput_alone() -> None:
    """The other block and the pace stay."""
    pair = steady_run(1)[0][0]
    less = slowed(pair, 0.9)
    assert less.scenario.rps == pytest.approx(0.9 * pair.scenario.rps)
    assert (less.reference, less.scenario.pace) == (pair.reference, pair.scenario.pace)
