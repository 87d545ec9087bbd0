"""The rule: verdicts on a run's scenarios, and how often they are wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from perf.stats import Change, Pair, Rule, Sample, Verdict, estimate_change
from perf.stats.rule import PASS_ALPHA, RUN_ALPHA
from perf.stats.verdict import judge

# The same examples in every run, and no limit on the time that one of them takes.
properties = settings(derandomize=True, deadline=None)

RULE = Rule(planned=4, scenarios=4, tolerance=0.05)

rules = st.builds(
    Rule,
    planned=st.integers(2, 6),
    scenarios=st.integers(1, 8),
    tolerance=st.floats(min_value=0.01, max_value=0.5),
)
changes = st.builds(
    Change,
    point=st.floats(min_value=-1.0, max_value=1.0),
    standard_error=st.floats(min_value=1e-4, max_value=0.3),
    freedom=st.one_of(st.floats(min_value=2.0, max_value=100.0), st.just(math.inf)),
    launches=st.integers(1, 8),
    baseline_launches=st.sampled_from([1, 2, 4, 12]),
)


def change_of(point: float, standard_error: float, launches: int = 4) -> Change:
    """Return a change that is known with a known error, against twelve launches."""
    return Change(
        point=point,
        standard_error=standard_error,
        freedom=math.inf,
        launches=launches,
        baseline_launches=12,
    )


def simulated(
    rng: np.random.Generator, launches: int, *, log_speed: float, deviation: float
) -> Sample:
    """Return launches of two blocks; launches deviate, and blocks by half as much."""
    logs = log_speed + rng.normal(0.0, deviation, (launches, 1))
    logs = logs + rng.normal(0.0, deviation / 2, (launches, 2))
    return Sample(
        Pair(30.0 * math.exp(log), 2.0, launch, yardstick_rps=10.0)
        for launch, row in enumerate(logs)
        for log in row
    )


def looks(rule: Rule, current: Sample, baseline: Sample) -> Iterator[Verdict]:
    """Yield the verdict after each launch of the current run, from the second on."""
    for launches in range(2, rule.planned + 1):
        seen = Sample(pair for pair in current.pairs if pair.launch < launches)
        yield rule.verdict(estimate_change(seen, baseline, run_sd=0.0))


def first_certain(verdicts: Iterator[Verdict]) -> Verdict:
    """Return the verdict at which one stops, or the last."""
    verdict = Verdict.INCONCLUSIVE
    for verdict in verdicts:
        if verdict is not Verdict.INCONCLUSIVE:
            break
    return verdict


@pytest.mark.parametrize(
    ("point", "standard_error", "verdict"),
    [
        (0.0, 0.010, Verdict.UNCHANGED),
        (-0.02, 0.010, Verdict.UNCHANGED),
        (0.02, 0.010, Verdict.UNCHANGED),
        (-0.20, 0.020, Verdict.REGRESSED),
        (0.20, 0.020, Verdict.IMPROVED),
        (-0.08, 0.040, Verdict.INCONCLUSIVE),
        (0.08, 0.040, Verdict.INCONCLUSIVE),
        (0.0, 0.100, Verdict.INCONCLUSIVE),
    ],
)
def test_plain_cases_are_decided(
    point: float, standard_error: float, verdict: Verdict
) -> None:
    """Small and certain is unchanged, large and certain an alarm, the rest neither."""
    assert RULE.verdict(change_of(point, standard_error)) is verdict


@pytest.mark.parametrize("point", [-0.04, 0.04])
def test_a_certain_change_within_the_tolerance_is_unchanged(point: float) -> None:
    """A loss of 4 % that is beyond doubt is no alarm where 5 % are tolerated."""
    change = change_of(point, 0.002)
    interval = change.interval(RULE.alarm_tail(change))
    assert not interval.low <= 1.0 <= interval.high
    assert RULE.verdict(change) is Verdict.UNCHANGED


def test_an_alarm_need_not_lie_beyond_the_tolerance() -> None:
    """A loss that is certain, but not that it is tolerable, is an alarm."""
    assert RULE.verdict(change_of(-0.04, 0.010)) is Verdict.REGRESSED


@given(rules, changes)
@properties
def test_a_verdict_follows_the_whole_intervals(rule: Rule, change: Change) -> None:
    """Within the tolerance, else all below 1, all above it, or none of these."""
    assume(rule.planned >= change.launches)
    inner = change.half_width(rule._tail(change, PASS_ALPHA))
    outer = change.half_width(rule.alarm_tail(change))
    edge = -math.log(1.0 - rule.tolerance)
    verdict = rule.verdict(change)
    if -edge <= change.point - inner and change.point + inner <= edge:
        assert verdict is Verdict.UNCHANGED
    elif change.point + outer < 0.0:
        assert verdict is Verdict.REGRESSED
    elif change.point - outer > 0.0:
        assert verdict is Verdict.IMPROVED
    else:
        assert verdict is Verdict.INCONCLUSIVE


@given(rules, changes)
@properties
def test_a_verdict_is_mirrored_when_the_runs_are_swapped(
    rule: Rule, change: Change
) -> None:
    """Seen backwards, a regression is an improvement; the other verdicts stay."""
    mirror = {
        Verdict.REGRESSED: Verdict.IMPROVED,
        Verdict.IMPROVED: Verdict.REGRESSED,
        Verdict.UNCHANGED: Verdict.UNCHANGED,
        Verdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    }
    back = replace(change, point=-change.point)
    assert rule.verdict(back) is mirror[rule.verdict(change)]


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_a_tolerance_is_a_share(tolerance: float) -> None:
    """A tolerance that is not between 0 and 1 is refused, by the rule and by the judge."""
    change = change_of(0.0, 0.01)
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1"):
        judge(change, tolerance, alarm_tail=0.0025, pass_tail=0.025)
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1"):
        replace(RULE, tolerance=tolerance).verdict(change)


def test_verdicts_are_plain_words() -> None:
    """A verdict is written into a report, or a JSON file, as its words."""
    words = ["regressed", "unchanged", "improved", "inconclusive", "no baseline", "invalid"]
    assert [str(verdict) for verdict in Verdict] == words
    assert json.dumps(Verdict.NO_BASELINE) == '"no baseline"'


@given(changes)
@properties
def test_scenarios_share_the_error_of_a_run(change: Change) -> None:
    """The more scenarios a run has, the wider the interval that makes an alarm of one."""
    widths = [
        change.half_width(replace(RULE, scenarios=scenarios).alarm_tail(change))
        for scenarios in (1, 2, 4, 8)
    ]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("scenarios", [1, 4, 10])
@pytest.mark.parametrize("launches", [1, 2])
def test_a_single_look_has_the_whole_share(scenarios: int, launches: int) -> None:
    """With one or two launches one looks once, for the run's error over its scenarios."""
    rule = Rule(planned=launches, scenarios=scenarios, tolerance=0.05)
    change = change_of(0.0, 0.01, launches)
    assert rule.alarm_tail(change) == pytest.approx(RUN_ALPHA / scenarios)


def test_looks_become_laxer_as_launches_come() -> None:
    """The first looks want more than the last, and the last more than the only one."""
    widths = [
        change.half_width(RULE.alarm_tail(change))
        for change in (change_of(0.0, 0.01, launches) for launches in (2, 3, 4))
    ]
    assert widths == sorted(set(widths), reverse=True)
    assert widths[-1] > 0.01 * norm.isf(RUN_ALPHA / 4)


def test_more_launches_than_planned_are_judged_as_planned() -> None:
    """Where more was measured than planned, what there is counts as the plan."""
    more = change_of(0.0, 0.01, 6)
    assert RULE.alarm_tail(more) == replace(RULE, planned=6).alarm_tail(more)


def test_repeated_looks_alarm_no_more_than_allowed() -> None:
    """Of 4,000 runs without a change at most 1 % see one scenario regressed at any look.

    What is allowed is a fourth of that, for the scenario is one of four. No run stops
    before its end here, so every look had its chance.
    """
    rng = np.random.default_rng(20250401)
    alarms = 0
    for _ in range(4_000):
        current = simulated(rng, 4, log_speed=0.0, deviation=0.05)
        baseline = simulated(rng, 4, log_speed=0.0, deviation=0.05)
        alarms += Verdict.REGRESSED in looks(RULE, current, baseline)
    assert alarms <= 40


@pytest.mark.parametrize("edge", [0.95, 1 / 0.95])
def test_a_change_on_the_edge_seldom_passes(edge: float) -> None:
    """Where the truth lies on the tolerance's edge, 2.5 % at most are called unchanged.

    The bound is 2.5 % of 1,000 runs and four standard errors of that count: 45.
    """
    rng = np.random.default_rng(17)
    passed = 0
    for _ in range(1_000):
        current = simulated(rng, 4, log_speed=math.log(edge), deviation=0.015)
        baseline = simulated(rng, 12, log_speed=0.0, deviation=0.015)
        passed += first_certain(looks(RULE, current, baseline)) is Verdict.UNCHANGED
    assert passed <= 45


def test_the_smallest_seen_is_seen() -> None:
    """With a known error a loss of that size is an alarm in 95 % of all runs.

    Give or take four standard errors of a share of 4,000.
    """
    rng = np.random.default_rng(19)
    size = RULE.smallest_seen(change_of(0.0, 0.05))
    seen = sum(
        RULE.verdict(change_of(float(point), 0.05)) is Verdict.REGRESSED
        for point in rng.normal(math.log1p(-size), 0.05, 4_000)
    )
    assert seen / 4_000 == pytest.approx(0.95, abs=0.014)


def test_the_smallest_seen_lies_beyond_the_tolerance() -> None:
    """With a tiny error a loss within the tolerance passes: the smallest seen does not."""
    rng = np.random.default_rng(29)
    size = RULE.smallest_seen(change_of(0.0, 0.001))
    seen = sum(
        RULE.verdict(change_of(float(point), 0.001)) is Verdict.REGRESSED
        for point in rng.normal(math.log1p(-size), 0.001, 4_000)
    )
    assert seen / 4_000 == pytest.approx(0.95, abs=0.014)


def test_the_smallest_seen_is_seen_where_the_error_is_estimated() -> None:
    """With an error from sixteen launches, it is an alarm in 89 to 97 % of all runs.

    The loss is the median of what runs without any loss name; each run has an error of
    its own, now smaller than the true one, now larger.
    """
    rng = np.random.default_rng(23)

    def measured(loss: float) -> Change:
        current = simulated(rng, 4, log_speed=math.log1p(-loss), deviation=0.05)
        baseline = simulated(rng, 12, log_speed=0.0, deviation=0.05)
        return estimate_change(current, baseline, run_sd=0.0)

    sizes = [RULE.smallest_seen(measured(0.0)) for _ in range(1_000)]
    size = float(np.median(sizes))
    seen = sum(RULE.verdict(measured(size)) is Verdict.REGRESSED for _ in range(2_000))
    assert seen / 2_000 == pytest.approx(0.93, abs=0.04)


def test_the_smallest_seen_shrinks_with_the_evidence() -> None:
    """More scenarios hide larger losses, a smaller error fewer; all is a share."""
    change = change_of(0.0, 0.02)
    one, ten = (replace(RULE, scenarios=n).smallest_seen(change) for n in (1, 10))
    assert 0.0 < one < ten < 1.0
    assert RULE.smallest_seen(change_of(0.0, 0.01)) < RULE.smallest_seen(change)
    assert RULE.smallest_seen(change_of(0.0, 1e9)) == 1.0
