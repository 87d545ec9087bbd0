"""The message that a verdict other than a pass comes with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.report.message import explain, repeat_command
from perf.stats import Verdict
from tests.support.results import BATCH, HEADER, UNREAD


def test_explain_tells_a_regression_and_how_to_repeat_it() -> None:
    """A red verdict names scenario, interval, baseline file, tolerance and command."""
    assert explain(BATCH, HEADER) == (
        "serving-batch has regressed. Its throughput is 2.50 [2.41, 2.60] times the "
        "reference's (95 % interval). That is a change of -19.8 % (99.5 % interval: "
        "-22.8 % to -16.5 %) against 3.12 in baselines/process/0001_resnet152.json, where "
        "the tolerance is 10 %. Since then: kernel 6.1 -> 6.8, torch 2.13.0 -> 2.14.1. "
        "To repeat this scenario alone: tox -e serving-batch -- --perf-seed 7 "
        "--perf-runtime process"
    )


def test_explain_says_when_nothing_else_has_changed() -> None:
    """A regression without any difference leaves nothing but the code to look at."""
    said = explain(replace(BATCH, differences=()), HEADER)
    known = "Versions, settings, kernel and CPU are as they were then."
    assert f"where the tolerance is 10 %. {known} To repeat " in said
    assert "Since then" not in said


@pytest.mark.parametrize("verdict", [Verdict.NO_BASELINE, Verdict.INVALID])
def test_explain_compares_no_facts_where_nothing_was_compared(verdict: Verdict) -> None:
    """Without a baseline, or a measurement, there is no then that anything was like."""
    said = explain(replace(UNREAD, verdict=verdict), HEADER)
    assert "Since then" not in said
    assert "as they were then" not in said


def test_explain_keeps_a_difference_on_its_line() -> None:
    """A fact that holds a line break breaks no line of the message."""
    odd = replace(BATCH, differences=("CPU Some\nCPU -> Other\tCPU",))
    assert "Since then: CPU Some CPU -> Other CPU. " in explain(odd, HEADER)


def test_explain_tells_what_no_baseline_looked_for() -> None:
    """Without a baseline the message says what was wanted and why none applied."""
    said = explain(UNREAD, HEADER)
    assert "serving-workers-2 has no baseline that applies." in said
    assert "machine class x86_64-2cores-avx512-24GiB, model resnet152" in said
    assert "Reason: the stored baseline is of another machine class." in said


def test_explain_counts_the_requests_of_an_invalid_measurement() -> None:
    """A measurement that counts for nothing says how many requests went wrong."""
    requests = {"total": 240, "failed": 3, "wrong": 1}
    invalid = replace(BATCH, verdict=Verdict.INVALID, requests=requests, reason="timeout")
    said = explain(invalid, HEADER)
    assert "Of 240 requests 3 failed and 1 were answered wrongly. Reason: timeout." in said


@pytest.mark.parametrize("verdict", list(Verdict))
def test_explain_has_words_for_every_verdict(verdict: Verdict) -> None:
    """No verdict is left without a message or without its command."""
    said = explain(replace(BATCH, verdict=verdict), HEADER)
    assert said.startswith("serving-batch ")
    assert said.endswith("tox -e serving-batch -- --perf-seed 7 --perf-runtime process")


def test_repeat_command_names_another_device_than_the_cpu() -> None:
    """A card's run is not repeated on the CPU."""
    said = repeat_command("serving-batch", replace(HEADER, device="cuda"))
    assert said.endswith(" --perf-runtime process --perf-device cuda")


def test_repeat_command_names_a_profile_other_than_the_standard() -> None:
    """The command repeats the same profile, and is safe to paste into a shell."""
    header = replace(HEADER, profile="smoke")
    assert (
        repeat_command("serving-batch", header)
        == "tox -e serving-batch -- --perf-seed 7 --perf-runtime process "
        "--perf-profile smoke"
    )
    assert repeat_command("a b", HEADER).startswith("tox -e 'a b' ")
