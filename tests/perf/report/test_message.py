"""A verdict in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.report.message import explain, reason, remark
from perf.report.repeating import longer, repeat_command
from perf.report.result import Requests, ScenarioResult
from perf.stats import QUANTITIES, Quantity, Verdict
from tests.support.results import (
    BATCH,
    HEADER,
    HEAVIER,
    LOCAL,
    SETTLED,
    UNREAD,
    judged,
    rejudged,
)

MOVED = (
    "throughput at equal pace of the cores changed by -19.8 % [-22.8, -16.5] since "
    "baseline 0001_resnet152.json (tolerance 10 %)"
)
GREW = (
    "peak memory changed by +20.1 % [+18.0, +22.3] since baseline 0001_resnet152.json "
    "(tolerance 10 %); throughput is unchanged (+0.2 % [-1.9, +2.4])"
)
RATIO = (
    "its throughput is 2.50 [2.41, 2.60] times the reference's, and was 3.12 times in the "
    "baseline."
)
FACTS = "kernel 6.1 -> 6.8, torch 2.13.0 -> 2.14.1"
SINCE = f"since then: {FACTS}"
REPEAT = "To repeat it alone: tox -e serving-batch -- --perf-seed 7 --perf-runtime process"
DETECTABLE = "the smallest loss that 2 launches would show 95 times in 100 is 4.1 %"
UNCLEAR = rejudged(BATCH, verdict=Verdict.INCONCLUSIVE)
ONE_PAIR = rejudged(
    BATCH,
    verdict=Verdict.INCONCLUSIVE,
    quantities=(),
    reason="a verdict needs at least 2 pairs, not 1",
)
ASIDE = rejudged(
    BATCH,
    ratio=None,
    baseline_ratio=None,
    baseline_file=None,
    against="v1.4",
    ours="the working tree",
    differences=(),
)
INVALID = rejudged(
    replace(BATCH, requests=Requests(total=240, failed=3, wrong=1)),
    verdict=Verdict.INVALID,
    reason="timeout",
)


def test_a_regression_states_the_change_once() -> None:
    """It says what is judged, the change, the tolerance, what differs, how to repeat it."""
    said = explain(BATCH, HEADER)
    assert said == (
        f"serving-batch regressed: {MOVED}. For information: {RATIO} "
        f"Since then: {FACTS}. {REPEAT}"
    )
    assert said.count("-19.8 %") == 1


@pytest.mark.parametrize("figure", ["throughput", "goodput", "capacity"])
def test_the_ratio_names_what_is_compared(figure: str) -> None:
    """Of a search it is the capacity, at a fixed rate the goodput."""
    pairs = tuple(
        replace(pair, scenario=replace(pair.scenario, figure=figure))
        for pair in BATCH.pairs
    )
    said = explain(replace(BATCH, pairs=pairs), HEADER)
    assert f"For information: its {figure} is 2.50 [2.41, 2.60] times" in said


def test_short_blocks_are_told_with_the_options_for_longer_ones() -> None:
    """Two blocks of 12 images in 0.4 s each: 300 images make them last 5 s."""
    unclear = rejudged(ASIDE, verdict=Verdict.INCONCLUSIVE)
    quick = replace(unclear, images=24, duration_s=0.8)
    advice = (
        "a block lasts only 0.4 s, and longer blocks vary less: add --perf-launches 2 "
        "--perf-pairs 2 --perf-total 300"
    )
    assert advice in explain(quick, HEADER)
    assert advice in remark(quick)
    assert "a block lasts" not in explain(unclear, HEADER)


def test_no_advice_on_blocks_would_leave_nothing_to_compare_with() -> None:
    """A baseline holds for one size, and blocks of jobs that load the model stay short."""
    quick = replace(UNCLEAR, images=24, duration_s=0.8)
    assert "a block lasts" not in explain(quick, HEADER)
    beside = replace(quick, judgement=replace(quick.judgement, against="v1.4"))
    assert "a block lasts" in explain(beside, HEADER)
    loads = replace(beside, reloads=True)
    assert "a block lasts" not in explain(loads, HEADER)


def test_too_little_evidence_says_what_would_be_enough() -> None:
    """It says so, and how large a loss these launches would have shown."""
    assert explain(UNCLEAR, HEADER).startswith(
        "serving-batch is inconclusive. Too little evidence: "
        f"{MOVED}; {DETECTABLE}. For information: "
    )


def test_without_a_change_the_judgements_own_reason_is_told() -> None:
    """The reason stands where the change would; nothing is said of differences."""
    assert explain(ONE_PAIR, HEADER) == (
        "serving-batch is inconclusive. A verdict needs at least 2 "
        f"pairs, not 1. For information: {RATIO} {REPEAT}"
    )


def test_side_by_side_both_trees_are_named() -> None:
    """No ratio and no baseline are told, and the command names the other tree again."""
    assert explain(ASIDE, HEADER) == (
        "serving-batch regressed: the working tree over v1.4: throughput at equal pace of "
        "the cores changed by -19.8 % [-22.8, -16.5] (tolerance 10 %). Same "
        f"versions and settings. {REPEAT} --perf-against=v1.4"
    )


def test_more_memory_is_named_with_its_interval_and_tolerance() -> None:
    """It comes first, and the throughput that did not change comes after it."""
    said = explain(HEAVIER, HEADER)
    assert said.startswith(f"serving-batch regressed: {GREW}. For information: ")


def test_all_that_regressed_is_told() -> None:
    """Each has its own interval; what the change is since is told once."""
    memory = judged(1.3, 1.2, 1.4, Verdict.REGRESSED, quantity="memory")
    slower = BATCH.judgement.quantities[0]
    said = reason(rejudged(BATCH, quantities=(slower, memory)))
    assert (
        said == f"{MOVED}; peak memory changed by +30.0 % [+20.0, +40.0] (tolerance 10 %)"
    )


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda one: one.name)
def test_every_quantity_has_words(quantity: Quantity) -> None:
    """No message fails because a quantity joined."""
    worse = judged(1.3, 1.2, 1.4, Verdict.REGRESSED, quantity=quantity.name)
    assert " changed by +30.0 % " in reason(rejudged(BATCH, quantities=(worse,)))


def test_no_difference_is_said_too() -> None:
    """A regression without any known difference leaves only the code to look at."""
    said = explain(rejudged(BATCH, differences=()), HEADER)
    assert " Same versions, settings, kernel and CPU. " in said


def test_a_message_has_one_line() -> None:
    """A line break within a fact does not break the message."""
    odd = rejudged(BATCH, differences=("CPU Some\nCPU -> Other\tCPU",))
    assert "Since then: CPU Some CPU -> Other CPU. " in explain(odd, HEADER)


def test_no_baseline_says_what_was_wanted() -> None:
    """It says why no baseline applies, and of which machine class and model it must be."""
    assert explain(UNREAD, HEADER) == (
        "serving-workers-2 has no baseline that applies: the stored baseline is of another "
        "machine class. Wanted: machine class x86_64-2cores-avx512-24GiB, model resnet152. "
        "To repeat it alone: tox -e serving-workers-2 -- --perf-seed 7 --perf-runtime "
        "process"
    )


def test_an_invalid_measurement_counts_its_jobs() -> None:
    """It gives the reason and the counts, and compares nothing."""
    assert explain(INVALID, HEADER) == (
        "serving-batch was not judged, because the measurement is invalid: timeout. "
        f"It ran 240 jobs, 3 failed, 1 answered wrongly. {REPEAT}"
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_message(verdict: Verdict) -> None:
    """Each begins with the scenario and ends with the command."""
    said = explain(rejudged(BATCH, verdict=verdict), HEADER)
    assert said.startswith("serving-batch ")
    assert said.endswith(REPEAT)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (BATCH, MOVED),
        (LOCAL, ""),
        (UNCLEAR, f"too little evidence: {MOVED}; {DETECTABLE}"),
        (HEAVIER, GREW),
        (SETTLED, ""),
        (ONE_PAIR, "a verdict needs at least 2 pairs, not 1"),
        (INVALID, "timeout"),
    ],
)
def test_a_reason_stands_alone(result: ScenarioResult, said: str) -> None:
    """The reason in summary.json needs no table beside it; unchanged needs none."""
    assert reason(result) == said


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (BATCH, f"serving-batch: {SINCE}"),
        (LOCAL, ""),
        (
            UNCLEAR,
            f"serving-batch: too little evidence: {DETECTABLE}; {SINCE}",
        ),
        (ONE_PAIR, "serving-batch: a verdict needs at least 2 pairs, not 1"),
        (
            INVALID,
            "serving-batch: timeout; 240 jobs, 3 failed, 1 answered wrongly",
        ),
    ],
)
def test_a_remark_does_not_repeat_the_table(result: ScenarioResult, said: str) -> None:
    """The change is in the table, so the line below has only what the table lacks."""
    assert remark(result) == said


def test_a_reason_that_begins_with_the_name_does_not_repeat_it() -> None:
    """A fault of the measurement names its row itself."""
    fault = rejudged(
        BATCH, verdict=Verdict.INVALID, reason=f"{BATCH.name}: no answer", quantities=()
    )
    assert remark(fault).startswith(f"{BATCH.name}: no answer")
    assert explain(fault, HEADER).count(BATCH.name) == 2  # the row, and how to repeat it


def test_a_remark_names_both_trees_of_a_run_side_by_side() -> None:
    """The table does not say between what the change lies."""
    assert remark(ASIDE) == (
        "serving-batch: the working tree over v1.4; same versions and settings"
    )


def test_a_remark_has_what_regressed_beside_throughput() -> None:
    """The table has no column for it."""
    assert remark(HEAVIER) == (
        "serving-batch: peak memory changed by +20.1 % [+18.0, +22.3] (tolerance 10 %); "
        "same versions, settings, kernel and CPU"
    )


def test_a_remark_says_what_could_not_be_judged_and_why() -> None:
    """The table does not show that a quantity is missing."""
    why = "memory was measured in two ways, pss and rss"
    found = rejudged(BATCH, verdict=Verdict.UNCHANGED, incomplete={"memory": why})
    assert remark(found) == f"{BATCH.name}: peak memory could not be judged: {why}"


@pytest.mark.parametrize(
    ("replaced", "pairs"),
    [
        (("stolen",), "1 disturbed pair was"),
        (("stolen", "the pace changed"), "2 disturbed pairs were"),
    ],
)
def test_a_remark_counts_the_pairs_that_were_measured_again(
    replaced: tuple[str, ...], pairs: str
) -> None:
    """It says what disturbed the first of them."""
    said = remark(replace(LOCAL, replaced=replaced))
    assert said == f"decentralized: {pairs} measured again; the first: stolen"


def test_the_reason_comes_first_in_a_remark() -> None:
    """Which trees were compared comes after why there is no verdict."""
    said = remark(rejudged(ASIDE, verdict=Verdict.INCONCLUSIVE))
    assert said.startswith("serving-batch: too little evidence: ")
    assert "; the working tree over v1.4; " in said


def test_a_scenario_with_too_little_evidence_can_be_measured_longer() -> None:
    """The command is that of the first one, with more time and another order."""
    command = "tox -e serving-batch -- --perf-budget 20 --perf-runtime process"
    said = f"too little evidence: 20 minutes of serving-batch alone: {command}"
    beside = rejudged(ASIDE, verdict=Verdict.INCONCLUSIVE)
    settled = rejudged(beside, before=UNCLEAR.judgement)
    assert longer([BATCH, settled, beside], HEADER) == said
    assert longer([beside], HEADER) == f"{said} --perf-against=v1.4"


@pytest.mark.parametrize(
    ("had_s", "minutes"), [(360.0, 20), (600.0, 20), (915.0, 31), (3600.0, 120)]
)
def test_measuring_longer_is_twice_as_long_at_least(had_s: float, minutes: int) -> None:
    """It is 20 minutes or more, and never less than the scenario has had."""
    header = replace(HEADER, budgets_s={"decentralized": 7200.0, "serving-batch": had_s})
    beside = rejudged(ASIDE, verdict=Verdict.INCONCLUSIVE)
    assert f"--perf-budget {minutes} " in longer([beside], header)


def test_only_too_little_evidence_asks_for_more_time() -> None:
    """A verdict needs none, and against a baseline alone more time does not help."""
    assert longer([BATCH, UNCLEAR, ONE_PAIR, INVALID], HEADER) == ""


def test_repeat_command_names_another_device_than_the_cpu() -> None:
    """A run on a card is repeated on a card."""
    said = repeat_command("serving-batch", replace(HEADER, device="cuda"))
    assert said.endswith(" --perf-runtime process --perf-device cuda")


def test_repeat_command_names_profile_and_model_that_are_not_the_default() -> None:
    """The same profile and model are measured again, and a shell can take the line."""
    options = ("--perf-model", "my model.pt", "--perf-weights", "pretrained")
    header = replace(HEADER, profile="smoke", model_options=options)
    assert repeat_command("serving-batch", header) == (
        "tox -e serving-batch -- --perf-seed 7 --perf-runtime process --perf-profile smoke "
        "--perf-model 'my model.pt' --perf-weights pretrained"
    )
    assert repeat_command("a b", HEADER).startswith("tox -e 'a b' ")
