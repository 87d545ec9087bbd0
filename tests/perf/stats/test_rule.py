"""The rule: its verdicts, and how often they are wrong."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from perf.stats import Change, Rule, Verdict, sequential
from perf.stats.rule import PASS_ALPHA, RUN_ALPHA
from perf.stats.verdict import judge

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

RULE = Rule(planned=4, scenarios=4, tolerance=0.05)

rules = st.builds(
    Rule,
    planned=st.integers(2, 6),
    scenarios=st.integers(1, 8),
    tolerance=st.floats(min_value=0.01, max_value=0.5),
    share=st.floats(min_value=0.05, max_value=1.0),
)
changes = st.builds(
    Change,
    point=st.floats(min_value=-1.0, max_value=1.0),
    standard_error=st.floats(min_value=1e-4, max_value=0.3),
    freedom=st.one_of(st.floats(min_value=2.0, max_value=100.0), st.just(math.inf)),
    launches=st.integers(1, 8),
    baseline_launches=st.sampled_from([1.0, 2.0, 4.0, 12.0, math.inf]),
)


def change_of(point: float, standard_error: float, launches: int = 4) -> Change:
    """Return a change with a known error, against a baseline of twelve launches."""
    return Change(
        point=point,
        standard_error=standard_error,
        freedom=math.inf,
        launches=launches,
        baseline_launches=12,
    )


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
def test_the_verdict_of_simple_cases(
    point: float, standard_error: float, verdict: Verdict
) -> None:
    """Small and certain is unchanged, large and certain an alarm, the rest inconclusive."""
    assert RULE.verdict(change_of(point, standard_error)) is verdict


@pytest.mark.parametrize("point", [0.0, 0.008])
def test_a_narrower_interval_decided_on_unchanged(point: float) -> None:
    """It lies inside the tolerance; the one that decides on an alarm need not."""
    change = change_of(point, 0.018)
    assert RULE.verdict(change) is Verdict.UNCHANGED
    decided = change.interval(RULE.deciding_tail(change))
    assert 1.0 - RULE.tolerance <= decided.low
    assert decided.high <= 1.0 / (1.0 - RULE.tolerance)
    assert change.interval(RULE.alarm_tail(change)).low < decided.low


@pytest.mark.parametrize("point", [-0.2, -0.06, 0.2])
def test_the_interval_of_an_alarm_decided_on_the_rest(point: float) -> None:
    """So it does for regressed, improved and inconclusive."""
    change = change_of(point, 0.02)
    assert RULE.deciding_tail(change) == RULE.alarm_tail(change)


@pytest.mark.parametrize("point", [-0.04, 0.04])
def test_a_certain_change_within_the_tolerance_is_unchanged(point: float) -> None:
    """A certain loss of 4 % raises no alarm where 5 % are tolerated."""
    change = change_of(point, 0.002)
    interval = change.interval(RULE.alarm_tail(change))
    assert not interval.low <= 1.0 <= interval.high
    assert RULE.verdict(change) is Verdict.UNCHANGED


def test_an_alarm_need_not_lie_beyond_the_tolerance() -> None:
    """A loss raises an alarm if it is certain but may lie outside the tolerance."""
    assert RULE.verdict(change_of(-0.04, 0.010)) is Verdict.REGRESSED


@given(rules, changes)
@properties
def test_a_verdict_is_decided_by_whole_intervals(rule: Rule, change: Change) -> None:
    """An interval lies inside the tolerance, or else below 1, above 1, or around 1."""
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
    """With the runs swapped, regressed and improved swap; the other verdicts stay."""
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
    """The rule and `judge` refuse a tolerance that does not lie between 0 and 1."""
    change = change_of(0.0, 0.01)
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1"):
        judge(change, tolerance, alarm_tail=0.0025, pass_tail=0.025)
    with pytest.raises(ValueError, match="tolerance must lie between 0 and 1"):
        replace(RULE, tolerance=tolerance).verdict(change)


def test_verdicts_are_plain_words() -> None:
    """As text and in JSON, a verdict is its own words."""
    words = ["regressed", "unchanged", "improved", "inconclusive", "no baseline", "invalid"]
    assert [str(verdict) for verdict in Verdict] == words
    assert json.dumps(Verdict.NO_BASELINE) == '"no baseline"'


@given(changes)
@properties
def test_scenarios_share_the_error_of_a_run(change: Change) -> None:
    """The more scenarios a run has, the wider the interval that decides on an alarm."""
    widths = [
        change.half_width(replace(RULE, scenarios=scenarios).alarm_tail(change))
        for scenarios in (1, 2, 4, 8)
    ]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("scenarios", [1, 4, 10])
@pytest.mark.parametrize("launches", [1, 2])
def test_a_single_look_has_the_whole_error(scenarios: int, launches: int) -> None:
    """With one or two launches there is one look, which has the scenario's whole error.

    Half of it is for `regressed`, half for `improved`.
    """
    rule = Rule(planned=launches, scenarios=scenarios, tolerance=0.05)
    change = change_of(0.0, 0.01, launches)
    assert rule.alarm_tail(change) == pytest.approx(RUN_ALPHA / scenarios / 2)


def test_the_quantities_of_a_scenario_share_its_error() -> None:
    """A quantity with a tenth of the error is judged as one of ten scenarios would be."""
    change = change_of(0.0, 0.01)
    tenth = replace(RULE, share=0.1).alarm_tail(change)
    ten_times = replace(RULE, scenarios=10 * RULE.scenarios).alarm_tail(change)
    assert tenth == pytest.approx(ten_times)
    # What may pass as unchanged does not depend on it.
    assert replace(RULE, share=0.1)._tail(change, PASS_ALPHA) == RULE._tail(
        change, PASS_ALPHA
    )


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan])
def test_a_share_is_part_of_a_whole(share: float) -> None:
    """A quantity has some of the scenario's error, and at most all of it."""
    with pytest.raises(ValueError, match="a share must lie between 0 and 1"):
        replace(RULE, share=share)


@pytest.mark.parametrize("amount", [{"planned": 0}, {"scenarios": 0}])
def test_a_rule_needs_something_to_judge(amount: dict[str, int]) -> None:
    """No launch, or no scenario, is refused."""
    with pytest.raises(ValueError, match="at least one launch and one scenario"):
        replace(RULE, **amount)


def test_side_by_side_a_look_has_its_share_of_the_launches() -> None:
    """Without a baseline's error, two launches of four are half of the information."""
    change = replace(change_of(0.0, 0.01, 2), baseline_launches=math.inf)
    alpha = RUN_ALPHA / RULE.scenarios / 2
    assert RULE.alarm_tail(change) == pytest.approx(alpha / 2**sequential.SPENDING_POWER)


def test_later_looks_have_narrower_intervals() -> None:
    """The interval narrows from look to look; that of a single look is narrower still."""
    widths = [
        change.half_width(RULE.alarm_tail(change))
        for change in (change_of(0.0, 0.01, launches) for launches in (2, 3, 4))
    ]
    assert widths == sorted(set(widths), reverse=True)
    assert widths[-1] > 0.01 * norm.isf(RUN_ALPHA / 4 / 2)


def test_more_launches_than_planned_count_as_planned() -> None:
    """A run with more launches than planned is judged as if it had planned them."""
    more = change_of(0.0, 0.01, 6)
    assert RULE.alarm_tail(more) == replace(RULE, planned=6).alarm_tail(more)


def test_the_smallest_seen_raises_an_alarm() -> None:
    """With a known error, a loss of that size raises an alarm in 95 % of all runs.

    The margin is four standard errors of a share of 4,000.
    """
    rng = np.random.default_rng(19)
    size = RULE.smallest_seen(change_of(0.0, 0.05))
    seen = sum(
        RULE.verdict(change_of(float(point), 0.05)) is Verdict.REGRESSED
        for point in rng.normal(math.log1p(-size), 0.05, 4_000)
    )
    assert seen / 4_000 == pytest.approx(0.95, abs=0.014)


def test_the_smallest_seen_lies_beyond_the_tolerance() -> None:
    """With a very small error, the loss is large enough not to be called unchanged."""
    rng = np.random.default_rng(29)
    size = RULE.smallest_seen(change_of(0.0, 0.001))
    seen = sum(
        RULE.verdict(change_of(float(point), 0.001)) is Verdict.REGRESSED
        for point in rng.normal(math.log1p(-size), 0.001, 4_000)
    )
    assert seen / 4_000 == pytest.approx(0.95, abs=0.014)


def test_the_smallest_seen_shrinks_with_the_evidence() -> None:
    """It grows with the number of scenarios, falls with the error, and is a share."""
    change = change_of(0.0, 0.02)
    one, ten = (replace(RULE, scenarios=n).smallest_seen(change) for n in (1, 10))
    assert 0.0 < one < ten < 1.0
    assert RULE.smallest_seen(change_of(0.0, 0.01)) < RULE.smallest_seen(change)
    assert RULE.smallest_seen(change_of(0.0, 1e9)) == 1.0
