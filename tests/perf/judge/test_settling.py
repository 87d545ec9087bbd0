"""A verdict by a baseline that is settled side by side, or could not be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.judge.gate import judge_side_by_side
from perf.judge.judgement import Judgement
from perf.judge.settling import judge_settling, settled, unsettled
from perf.report.message import explain, reason, remark
from perf.stats import Block, Pair, Verdict
from tests.perf.judge.judging import terms
from tests.support.results import BATCH, HEADER, HEAVIER, judged

BEFORE = BATCH.judgement
BESIDE = Judgement(
    verdict=Verdict.UNCHANGED,
    quantities=(judged(0.998, 0.989, 1.007, Verdict.UNCHANGED),),
    smallest_seen=0.02,
    against="the baseline's commit 383fe61f7988",
    ours="HEAD",
    differences=("pillow 11 -> 12",),
)
NOW = (
    "HEAD over the baseline's commit 383fe61f7988: throughput at equal pace of the cores "
    "changed by -0.2 % [-1.1, +0.7] (tolerance 10 %)"
)
THEN = (
    "aseline 0001_resnet152.json alone says regressed: throughput at equal pace of the "
    "cores changed by -19.8 % [-22.8, -16.5] (tolerance 10 %); the run side by side counts"
)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_is_called_changed_or_left_open_is_settled(verdict: Verdict) -> None:
    """A gain may be the machine's doing as well as a loss. A fault is not settled."""
    changed_or_open = {Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE}
    found = replace(BESIDE, verdict=verdict)
    assert found.is_open is (verdict in changed_or_open)


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize(
    ("point", "of_memory", "open_"),
    [
        (1.2, Verdict.INCONCLUSIVE, True),
        (1.05, Verdict.INCONCLUSIVE, False),
        (1.2, Verdict.REGRESSED, False),
        (0.8, Verdict.INCONCLUSIVE, False),
    ],
)
def test_more_memory_that_is_not_certain_keeps_a_scenario_open(
    verdict: Verdict, point: float, of_memory: Verdict, *, open_: bool
) -> None:
    """Then measuring goes on, even where throughput is unchanged or improved."""
    memory = judged(point, 0.7 * point, 1.4 * point, of_memory, quantity="memory")
    found = replace(BESIDE, verdict=verdict, quantities=(*BESIDE.quantities, memory))
    certain = verdict in {Verdict.UNCHANGED, Verdict.IMPROVED}
    assert found.is_decided is (verdict is Verdict.REGRESSED or (certain and not open_))
    assert found.is_open or not open_


@given(
    changes=st.lists(st.floats(min_value=0.7, max_value=1.4), min_size=2, max_size=8),
    heavier=st.sampled_from([1.0, 1.3]),
)
def test_the_larger_tolerance_only_decides_what_would_stay_open(
    changes: list[float], heavier: float
) -> None:
    """It calls unchanged what lies inside it, and is not a loss. What is certain stays."""
    plain = Block(4.0, 1.0, memory_bytes=1e9)
    pairs = [
        Pair(Block(4.0 * one, 1.0, memory_bytes=heavier * 1e9), plain, launch)
        for launch, one in enumerate(changes)
    ]
    near, far = (terms(tolerance, len(pairs)) for tolerance in (0.02, 0.15))
    before, wider = judge_side_by_side(pairs, near), judge_side_by_side(pairs, far)
    found = judge_settling(pairs, near, far)
    open_ = before.verdict is Verdict.INCONCLUSIVE
    lost = wider.change is not None and wider.change.high < 1.0
    if lost or not (open_ and wider.verdict is Verdict.UNCHANGED):
        assert found == before
        return
    assert found == replace(
        before,
        verdict=Verdict.UNCHANGED,
        quantities=wider.quantities,
        missed_tolerance=0.02,
    )


@pytest.mark.parametrize(
    ("noise", "verdict"), [(0.03, Verdict.UNCHANGED), (0.2, Verdict.INCONCLUSIVE)]
)
def test_noise_is_unchanged_only_inside_the_row_s_tolerance(
    noise: float, verdict: Verdict
) -> None:
    """Launches that differ by 3 % show that 15 % are not lost; by 20 %, nothing."""
    plain = Block(4.0, 1.0)
    pairs = [
        Pair(Block(4.0 * (1.0 + sign * noise), 1.0), plain, launch)
        for launch, sign in enumerate((1, -1, 1, -1, 1, -1))
    ]
    assert judge_side_by_side(pairs, terms(0.02, 6)).verdict is Verdict.INCONCLUSIVE
    assert judge_settling(pairs, terms(0.02, 6), terms(0.15, 6)).verdict is verdict


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-0.04, Verdict.INCONCLUSIVE), (0.04, Verdict.UNCHANGED)]
)
def test_what_looks_like_a_loss_stays_open(shift: float, verdict: Verdict) -> None:
    """The 95 % interval is below zero, and only the wider one of an alarm is not."""
    plain = Block(4.0, 1.0)
    pairs = [
        Pair(Block(4.0 * (1.0 + shift + noise), 1.0), plain, launch)
        for launch, noise in enumerate((0.035, -0.035) * 4)
    ]
    near, far = (terms(tolerance, 8, scenarios=9) for tolerance in (0.02, 0.15))
    wider = judge_side_by_side(pairs, far)
    assert wider.verdict is Verdict.UNCHANGED
    assert wider.change is not None
    assert not wider.change.low < 1.0 < wider.change.high
    assert judge_side_by_side(pairs, near).verdict is Verdict.INCONCLUSIVE
    assert judge_settling(pairs, near, far).verdict is verdict


def test_the_larger_tolerance_is_told() -> None:
    """In the message and under the table, which shows the larger one alone."""
    wide = replace(BESIDE, missed_tolerance=0.02)
    result = replace(BATCH, judgement=settled(BEFORE, wide))
    told = (
        "too little evidence that the change lies inside 2 %, but it lies inside the row's "
        "own tolerance of 10 %"
    )
    assert f"{NOW}; {told}. " in explain(result, HEADER)
    assert remark(result) == f"serving-batch: HEAD over {BESIDE.against}; {told}; b{THEN}"
    assert not reason(result)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_side_by_side_counts(verdict: Verdict) -> None:
    """Whatever it is, and with its own numbers; those of the baseline are kept beside."""
    found = settled(BEFORE, replace(BESIDE, verdict=verdict))
    assert found.verdict is verdict
    assert found.quantities == BESIDE.quantities
    assert (found.smallest_seen, found.differences) == (0.02, ("pillow 11 -> 12",))
    assert (found.against, found.ours) == (BESIDE.against, BESIDE.ours)
    assert found.before is BEFORE
    assert (found.ratio, found.baseline_ratio) == (BEFORE.ratio, BEFORE.baseline_ratio)
    assert found.baseline_file == BEFORE.baseline_file


def test_the_message_gives_both() -> None:
    """First what counts, then what the baseline alone said; the command needs no tree."""
    said = explain(replace(BATCH, judgement=settled(BEFORE, BESIDE)), HEADER)
    assert said.startswith(f"serving-batch is unchanged: {NOW}. ")
    assert f" B{THEN}. Besides the code: pillow 11 -> 12. " in said
    assert "--perf-against" not in said


def test_the_line_under_the_table_gives_both() -> None:
    """The table shows the change that counts, so the line has the other one."""
    said = remark(replace(BATCH, judgement=settled(BEFORE, BESIDE)))
    assert said == f"serving-batch: HEAD over {BESIDE.against}; b{THEN}"


def test_where_the_baseline_left_it_open_its_figures_are_not_told() -> None:
    """One launch says next to nothing; an interval of ±60 % would only be in the way."""
    wide = judged(1.01, 0.4, 2.4, Verdict.INCONCLUSIVE)
    before = replace(BEFORE, verdict=Verdict.INCONCLUSIVE, reason="", quantities=(wide,))
    said = remark(replace(BATCH, judgement=settled(before, BESIDE)))
    assert said == (
        f"serving-batch: HEAD over {BESIDE.against}; baseline 0001_resnet152.json alone "
        "leaves it open; the run side by side counts"
    )


def test_what_made_the_baseline_say_so_is_named() -> None:
    """Where it was memory, it is memory that is told."""
    found = settled(HEAVIER.judgement, BESIDE)
    said = explain(replace(BATCH, judgement=found), HEADER)
    assert "alone says regressed: peak memory changed by +20.1 % [+18.0, +22.3] " in said


def test_a_run_side_by_side_that_failed_keeps_what_the_baseline_said() -> None:
    """It is invalid, and the regression that it was to settle is still told."""
    failed = Judgement(verdict=Verdict.INVALID, reason="the server ended")
    said = explain(replace(BATCH, judgement=settled(BEFORE, failed)), HEADER)
    assert "the measurement is invalid: the server ended. " in said
    assert f" B{THEN}. " in said


def test_unsettled_says_why() -> None:
    """The verdict of the baseline stays, with all of its numbers."""
    found = unsettled(BEFORE, "it has no perf/scenarios.toml.")
    assert replace(found, unsettled="") == BEFORE
    why = "t could not be settled side by side: it has no perf/scenarios.toml"
    result = replace(BATCH, judgement=found)
    assert explain(result, HEADER).startswith("serving-batch regressed: throughput ")
    assert f" I{why}. Since then: " in explain(result, HEADER)
    assert remark(result).endswith(f"; i{why}")


def test_unsettled_says_why_beside_a_reason() -> None:
    """As where the pace could not be measured: both are told, in each place."""
    no_pace = "throughput or its pace was not measured everywhere"
    left_open = replace(BEFORE, verdict=Verdict.INCONCLUSIVE, reason=no_pace, quantities=())
    result = replace(BATCH, judgement=unsettled(left_open, "git does not have its commit"))
    why = "t could not be settled side by side: git does not have its commit"
    said = explain(result, HEADER)
    assert f"inconclusive. T{no_pace[1:]}. " in said
    assert f" I{why}. " in said
    assert remark(result) == f"{BATCH.name}: {no_pace}; i{why}"
