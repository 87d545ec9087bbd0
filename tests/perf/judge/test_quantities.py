"""What is judged beside throughput, since a baseline and side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from perf.judge.baselines import BaselineStore
from perf.judge.gate import Evidence, judge_pairs, judge_side_by_side
from perf.judge.judgement import Judgement
from perf.report.message import explain
from perf.stats import Block, Pair, Verdict
from tests.perf.judge.judging import measured, terms, times
from tests.perf.judge.storage import NAME
from tests.support.fakes import IDENTITY, entry, write_baseline
from tests.support.results import BATCH, HEADER

ALL = ("throughput", "memory", "cpu", "p99")
Judge = Callable[[Sequence[Pair]], Judgement]


def since_three_runs(folder: Path, pairs: Sequence[Pair]) -> Judgement:
    """Return the verdict by a baseline of three runs without any change."""
    stored = [
        {**asdict(pair), "launch": 3 * run + pair.launch}
        for run in range(3)
        for pair in measured()
    ]
    runs = [{"recorded": "once", "first_launch": 3 * run} for run in range(3)]
    write_baseline(folder, "0001_three.json", entry(pairs=stored, runs=runs))
    evidence = Evidence(name=NAME, pairs=pairs, identity=IDENTITY, about={})
    return judge_pairs(evidence, BaselineStore(folder), terms())


@pytest.fixture(params=["since a baseline", "side by side"])
def judge(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    """Either way to judge."""
    if request.param == "side by side":
        return partial(judge_side_by_side, terms=terms())
    return partial(since_three_runs, tmp_path)


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    """Return the verdict on each quantity that was judged."""
    return {one.quantity: one.verdict for one in judgement.quantities}


def message(judgement: Judgement) -> str:
    """Return the message of a scenario with this judgement."""
    return explain(replace(BATCH, judgement=judgement), HEADER)


def test_without_a_change_all_four_are_unchanged(judge: Judge) -> None:
    """Throughput is first, and it has no reason besides its numbers."""
    found = judge(measured())
    assert verdicts(found) == dict.fromkeys(ALL, Verdict.UNCHANGED)
    assert tuple(verdicts(found)) == ALL
    assert found.verdict is Verdict.UNCHANGED
    assert (found.worse, found.reason) == ((), "")
    assert found.change == found.quantities[0].change
    assert found.smallest_seen is not None


def test_a_slower_scenario_is_regressed(judge: Judge) -> None:
    """Throughput alone is enough, and the message names nothing else."""
    found = judge(measured(partial(times, rps=0.7)))
    assert found.verdict is Verdict.REGRESSED
    assert [one.quantity for one in found.worse] == ["throughput"]
    assert "regressed: throughput at equal pace of the cores changed by -30.0 % [-" in (
        message(found)
    )
    assert "memory" not in message(found)


def test_a_faster_scenario_is_improved(judge: Judge) -> None:
    """A higher throughput improves where nothing else is worse."""
    assert judge(measured(partial(times, rps=1.5))).verdict is Verdict.IMPROVED


def test_more_memory_at_the_same_speed_is_regressed(judge: Judge) -> None:
    """The message names memory with its interval and tolerance, and the throughput."""
    found = judge(measured(partial(times, memory_bytes=1.2)))
    assert found.verdict is Verdict.REGRESSED
    (memory,) = found.worse
    assert memory.quantity == "memory"
    assert memory.change.point == pytest.approx(1.2, rel=1e-3)
    assert 1.0 < memory.change.low < 1.2 < memory.change.high
    low, high = ((end - 1) * 100 for end in (memory.change.low, memory.change.high))
    said = message(found)
    assert f"regressed: peak memory changed by +20.0 % [{low:+.1f}, {high:+.1f}] " in said
    assert "(tolerance 10 %); throughput is unchanged (" in said


@pytest.mark.parametrize(
    ("what", "quantity"),
    [("memory_bytes", "memory"), ("cpu_ms", "cpu"), ("p99_ms", "p99")],
)
@pytest.mark.parametrize("by", [0.5, 2.0])
def test_each_other_quantity_can_make_it_worse_but_not_better(
    judge: Judge, what: str, quantity: str, by: float
) -> None:
    """Twice as much of any is a regression; half of it leaves the verdict unchanged."""
    found = judge(measured(lambda block: times(block, **{what: by})))
    of_it = verdicts(found)[quantity]
    if by > 1.0:
        assert (found.verdict, of_it) == (Verdict.REGRESSED, Verdict.REGRESSED)
    else:
        assert (found.verdict, of_it) == (Verdict.UNCHANGED, Verdict.IMPROVED)


def test_a_faster_scenario_that_needs_more_memory_is_regressed(judge: Judge) -> None:
    """What became better makes up for nothing, and both are told."""
    found = judge(measured(partial(times, rps=1.5, memory_bytes=2.0)))
    assert found.verdict is Verdict.REGRESSED
    assert "peak memory changed by +100.0 %" in message(found)
    assert "throughput improved (+50.0 %" in message(found)


@pytest.mark.parametrize(
    ("what", "quantity"),
    [("memory_bytes", "memory"), ("cpu_ms", "cpu"), ("p99_ms", "p99")],
)
def test_what_was_not_read_is_left_out(judge: Judge, what: str, quantity: str) -> None:
    """Without one quantity the others are judged."""
    unread: dict[str, Any] = {what: None}
    found = judge(measured(lambda block: replace(block, **unread)))
    assert tuple(verdicts(found)) == tuple(one for one in ALL if one != quantity)
    assert found.verdict is Verdict.UNCHANGED


def test_memory_that_was_counted_in_another_way_is_no_regression(tmp_path: Path) -> None:
    """RSS counts shared memory several times. A baseline of PSS does not judge it."""
    summed = measured(lambda one: replace(times(one, memory_bytes=1.5), memory_kind="rss"))
    found = since_three_runs(tmp_path, summed)
    assert found.verdict is Verdict.UNCHANGED
    assert tuple(verdicts(found)) == ("throughput", "cpu", "p99")
    assert found.incomplete == {"memory": "memory was measured in two ways, pss and rss"}


def test_memory_needs_no_reading_in_every_block(judge: Judge) -> None:
    """One reading in each launch is enough, for the peak of a launch is what counts."""
    pairs = [
        replace(pair, scenario=replace(pair.scenario, memory_bytes=None))
        if place % 2
        else pair
        for place, pair in enumerate(measured())
    ]
    assert "memory" in verdicts(judge(pairs))


def test_memory_is_not_corrected_for_pace(judge: Judge) -> None:
    """On cores twice as fast, equal memory is unchanged, and equal times are worse."""

    def on_fast_cores(block: Block) -> Block:
        return replace(times(block, rps=2.0, cpu_ms=0.5), pace=2.0)

    found = verdicts(judge(measured(on_fast_cores)))
    expected = dict.fromkeys(ALL, Verdict.UNCHANGED) | {"p99": Verdict.REGRESSED}
    assert found == expected


def test_side_by_side_there_is_no_ratio_to_a_reference() -> None:
    """The other tree's blocks stand in its place, and no baseline is named."""
    found = judge_side_by_side(measured(), terms())
    assert (found.ratio, found.baseline_ratio, found.baseline_file) == (None, None, None)


def test_side_by_side_the_other_tree_changes_with_the_machine() -> None:
    """Pace that changes from launch to launch is no change of the code."""
    pairs = [
        Pair(
            times(pair.scenario, rps=by, pace=by, cpu_ms=1 / by, p99_ms=1 / by),
            times(pair.reference, rps=by, pace=by, cpu_ms=1 / by, p99_ms=1 / by),
            pair.launch,
        )
        for pair, by in zip(measured(), (1, 1, 0.5, 0.5, 2, 2), strict=True)
    ]
    assert judge_side_by_side(pairs, terms()).verdict is Verdict.UNCHANGED


@pytest.mark.parametrize("number", [0, 1])
def test_side_by_side_one_pair_is_too_little(number: int) -> None:
    """The reason is the same as by a baseline."""
    found = judge_side_by_side(measured()[:number], terms())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == f"a verdict needs at least 2 pairs, not {number}"


def test_side_by_side_without_pace_nothing_is_judged() -> None:
    """The pace of both blocks is needed."""
    found = judge_side_by_side(measured(lambda block: replace(block, pace=None)), terms())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "throughput or its pace was not measured everywhere"
    assert found.quantities == ()


def test_each_quantity_has_its_own_tolerance() -> None:
    """The same loss is within one tolerance and beyond another."""
    wide = replace(terms(), tolerances={**terms().tolerances, "memory": 0.4})
    pairs = measured(partial(times, memory_bytes=1.2))
    assert judge_side_by_side(pairs, wide).verdict is Verdict.UNCHANGED
    assert judge_side_by_side(pairs, terms()).verdict is Verdict.REGRESSED
