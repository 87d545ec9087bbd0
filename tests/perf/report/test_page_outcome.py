"""What the page says first: the outcome, what is missing, what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perf.report import formatting
from perf.report.result import Requests, ScenarioResult
from perf.stats import Estimate, Verdict
from tests.support.html_reader import Reading
from tests.support.pages import INVALID, ONE_PAIR, page_of
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


def card_of(result: ScenarioResult, page: Reading) -> Any:  # noqa: ANN401 -- an element
    """Return what is told of one scenario, by the text of its heading."""
    name = formatting.one_line(result.name)
    return next(one for one in page.of("details", **{"class": "card"}) if name in one.text)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (BATCH, "serving-batch regressed: throughput -19.8 % [-22.8, -16.5]"),
        (UNREAD, "serving-workers-2 has no baseline."),
        (INVALID, "serving-batch is invalid."),
        (ONE_PAIR, "serving-batch is inconclusive."),
        (SETTLED, "serving-batch is unchanged"),
        (HEAVIER, "serving-batch regressed: memory +20.1 % [+18.0, +22.3]"),
    ],
)
def test_the_outcome_comes_first(result: ScenarioResult, said: str) -> None:
    """The heading says it, and the card of a scenario alone is open."""
    page = page_of(result)
    assert page.only("h1").read.strip().startswith(said)
    assert "open" in card_of(result, page).attributes


def test_a_run_without_results_says_so() -> None:
    """It has no plots and no tables of scenarios, and is whole."""
    page = page_of(harness=None)
    assert page.faults == []
    assert page.only("h1").text == "No scenario was measured."
    assert page.of("details", **{"class": "card"}) == []


def test_an_interrupted_run_names_what_is_missing() -> None:
    """The scenarios that were planned and not measured stand at the head."""
    header = replace(HEADER, scenarios=("serving-batch", "serving-single", "other"))
    page = page_of(BATCH, header=header)
    assert "Not measured so far: serving-single, other." in page.only("header").text
    assert "Not measured" not in page_of(BATCH).only("header").text


def test_a_quiet_scenario_is_folded() -> None:
    """What regressed, failed or is open is shown; what is unchanged is folded."""
    failing = replace(LOCAL, name="failing", requests=Requests(total=9, failed=1, wrong=0))
    page = page_of(BATCH, LOCAL, INVALID, replace(UNREAD, name="none"), failing)
    opened = ["open" in one.attributes for one in page.of("details", **{"class": "card"})]
    assert opened == [True, False, True, False, True]


def test_an_invalid_row_says_why() -> None:
    """The reason stands in the table, and among the outcomes."""
    page = page_of(INVALID, LOCAL)
    assert "the server died" in [one.text for one in page.of("span", **{"class": "why"})]
    assert "serving-batch, invalid: the server died." in page.only("header").text


def test_the_head_says_what_would_have_been_seen_and_how_to_repeat_it() -> None:
    """Smallest loss, rate of errors, and the command of the worst scenario."""
    head = page_of(LOCAL, BATCH).only("header").text
    assert "found 95 times in 100: 4.1 % (decentralized)." in head
    assert "If nothing changed, at most 1 in 100 runs calls a scenario changed." in head
    assert "To repeat serving-batch alone:" in head
    assert "tox -e serving-batch -- --perf-seed 7 --perf-runtime process" in head


def test_the_head_says_that_two_trees_ran_in_turns() -> None:
    """Times are then those of a tree's own turns, which a reader must know."""
    said = "Side by side: both trees ran in the same minutes, in turns of 0.5 s"
    assert said in page_of(SETTLED).only("header").text
    assert said not in page_of(BATCH).only("header").text


def test_the_highest_ratio_is_told() -> None:
    """It is what a first run is about; the reference is not compared with itself."""
    slow = rejudged(replace(BATCH, name="slow"), ratio=Estimate(1.5, 1.4, 1.6, 0.95))
    # More images a second, but beside a faster reference.
    slow = replace(slow, images=900)
    (lead, _) = page_of(slow, BATCH, LOCAL).of("p", **{"class": "lead"})
    assert lead.text == (
        "serving-batch has the highest ratio: 2.50 [2.41, 2.60] times as many images a "
        "second as the reference (decentralized)."
    )
    (alone, _) = page_of(BATCH).of("p", **{"class": "lead"})
    assert alone.text == (
        "serving-batch answers 2.50 [2.41, 2.60] times as many images a second as the "
        "reference."
    )


def test_servers_that_are_all_slower_are_not_praised() -> None:
    """Only if each interval lies below 1; one that may be faster is told as usual."""
    slow = rejudged(replace(BATCH, name="slow"), ratio=Estimate(0.7, 0.6, 0.8, 0.95))
    slower = rejudged(replace(BATCH, name="slower"), ratio=Estimate(0.5, 0.4, 1.2, 0.95))
    (lead, _) = page_of(slow, LOCAL).of("p", **{"class": "lead"})
    assert lead.text == (
        "No scenario was faster than the reference (decentralized): the highest ratio is "
        "0.700 [0.600, 0.800] (slow)."
    )
    (lead, _) = page_of(slow, slower).of("p", **{"class": "lead"})
    assert lead.text.startswith("slow has the highest ratio: 0.700 ")


def test_a_missing_baseline_is_told_in_few_words() -> None:
    """Three names, the beginning of the reason, and what records one."""
    reason = "0006_process.json does not apply: " + "jobs 24 -> 16; " * 20
    results = [
        rejudged(replace(BATCH, name=f"s{n}"), verdict=Verdict.NO_BASELINE, reason=reason)
        for n in range(5)
    ]
    (told,) = _told(results, "No baseline applies")
    assert told.startswith("No baseline applies to s0, s1, s2 and 2 more: 0006_process")
    assert told.endswith(" [...]. Record one: tox -e rebaseline.")
    assert len(told) < 280
    (told,) = _told(results[:2], "No baseline applies")
    assert told.startswith("No baseline applies to s0 and s1: ")
    other = rejudged(results[1], reason="")
    (told,) = _told([results[0], other], "No baseline applies")
    assert told.startswith("No baseline applies to s0 and s1: s0, 0006_process.json ")
    assert _told([other], "No baseline applies") == [
        "No baseline applies to s1. Record one: tox -e rebaseline."
    ]


def test_the_smallest_loss_is_that_of_what_is_judged() -> None:
    """A search for the capacity has no loss of throughput."""
    searched = rejudged(
        replace(BATCH, name="searched"),
        quantities=(judged(1.0, 0.9, 1.1, Verdict.UNCHANGED, quantity="capacity"),),
        smallest_seen=0.08,
    )
    better = rejudged(replace(BATCH, name="better"), smallest_seen=0.03)
    (told,) = _told([BATCH, better, searched], "The smallest loss")
    assert told == (
        "The smallest loss of throughput that would be found 95 times in 100: 3.0 % "
        "(better) to 4.1 % (serving-batch); of capacity: 8.0 % (searched)."
    )


def _told(results: list[ScenarioResult], beginning: str) -> list[str]:
    """Return the lines at the head that begin so."""
    lines = [one.text for one in page_of(*results).of("p")]
    return [line for line in lines if line.startswith(beginning)]


@pytest.mark.parametrize(
    "results", [(LOCAL,), (INVALID,), (replace(BATCH, disturbed=True), LOCAL), (UNREAD,)]
)
def test_no_ratio_is_praised_where_nothing_can_be_compared(
    results: tuple[ScenarioResult, ...],
) -> None:
    """A ratio from a disturbed machine would mislead."""
    assert len(page_of(*results).of("p", **{"class": "lead"})) == 1


def test_long_reasons_are_cut_at_the_head_alone() -> None:
    """The head stays short: five reasons, and of each the beginning."""
    reason = "disturbed, because " + "another program was busy, " * 20
    those = [
        rejudged(replace(BATCH, name=f"s{n}"), verdict=Verdict.INCONCLUSIVE, reason=reason)
        for n in range(7)
    ]
    page = page_of(*those)
    head = page.only("header")
    assert head.text.count("inconclusive: disturbed") == 5
    assert "And 2 more; see below." in head.text
    assert reason[:100] in head.text
    assert reason[:200] not in head.text
    assert reason[1:].strip(" ,") in card_of(those[6], page).text


def test_the_run_was_fair_or_not() -> None:
    """The answer comes first, with each broken limit."""
    section = page_of(BATCH).only("section", id="fairness")
    assert "Yes: no limit was broken." in section.text
    busy = replace(BATCH.conditions["scenario"], foreign_percent=6.2)
    page = page_of(replace(BATCH, conditions={"scenario": busy}))
    section = page.only("section", id="fairness")
    assert "No. These limits were broken:" in section.text
    told = "serving-batch: CPU of other processes 6.2 %; limit: at most 4 %."
    assert told in [one.text for one in page.of("li")]
