"""A verdict in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.judge.gate import Judged
from perf.report.message import explain, reason, remark, repeat_command
from perf.report.result import Requests, ScenarioResult
from perf.stats import Verdict
from tests.support.results import BATCH, HEADER, LOCAL, UNREAD, rejudged

MOVED = (
    "its efficiency (throughput over that of the model alone) changed by "
    "-19.8 % [-22.8, -16.5] since baseline 0001_resnet152.json; the tolerance is 10 %"
)
RATIO = (
    "it has 2.50 [2.41, 2.60] times the reference's throughput, and had 3.12 in the "
    "baseline."
)
FACTS = "kernel 6.1 -> 6.8, torch 2.13.0 -> 2.14.1"
SINCE = f"since the baseline: {FACTS}"
REPEAT = "To repeat it alone: tox -e serving-batch -- --perf-seed 7 --perf-runtime process"
DETECTABLE = "the smallest loss that 2 launches can detect reliably is 4.1 %"
UNCLEAR = rejudged(BATCH, verdict=Verdict.INCONCLUSIVE)
ONE_PAIR = rejudged(
    BATCH,
    verdict=Verdict.INCONCLUSIVE,
    change=None,
    reason="a verdict needs at least 2 pairs, not 1",
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


def test_too_little_evidence_says_what_would_be_enough() -> None:
    """It says so, and how large a loss these launches would have shown."""
    assert explain(UNCLEAR, HEADER).startswith(
        "serving-batch is inconclusive (too little evidence), which is not a pass: "
        f"{MOVED}; {DETECTABLE}. For information: "
    )


def test_without_a_change_the_judgements_own_reason_is_told() -> None:
    """The reason stands where the change would; nothing is said of differences."""
    assert explain(ONE_PAIR, HEADER) == (
        "serving-batch is inconclusive (too little evidence), which is not a pass: a "
        f"verdict needs at least 2 pairs, not 1. For information: {RATIO} {REPEAT}"
    )


def test_a_change_of_the_ratio_is_called_so() -> None:
    """Where the baseline has no efficiency, the ratio is not "for information"."""
    said = explain(rejudged(BATCH, judged=Judged.RATIO), HEADER)
    assert "its ratio (throughput over that of the reference) changed by -19.8 %" in said
    assert "the tolerance is 10 %. It has 2.50 [2.41, 2.60] times" in said
    assert "efficiency" not in said


def test_no_difference_is_said_too() -> None:
    """A regression without any known difference leaves only the code to look at."""
    said = explain(rejudged(BATCH, differences=()), HEADER)
    assert " Since then: no change of versions, settings, kernel or CPU. " in said


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
        (
            rejudged(LOCAL, judged=Judged.RATIO),
            "decentralized: judged by its ratio, for the baseline has no efficiency",
        ),
    ],
)
def test_a_remark_does_not_repeat_the_table(result: ScenarioResult, said: str) -> None:
    """The change is in the table, so the line below has only what the table lacks."""
    assert remark(result) == said


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
