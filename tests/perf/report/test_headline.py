"""The outcome of a run in one sentence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from perf.report import formatting
from perf.report.headline import SEVERITY, headline, worst
from perf.report.result import ScenarioResult
from perf.stats import Verdict
from tests.support.any_results import scenarios, untimed
from tests.support.results import BATCH, HEAVIER, LOCAL, UNREAD, judged, rejudged


def test_the_worst_verdict_comes_first_with_its_numbers() -> None:
    """The scenario, what changed and the tolerance; the others are counted."""
    assert headline([LOCAL, BATCH, UNREAD]) == (
        "1 of 3 regressed: serving-batch, throughput -19.8 % [-22.8, -16.5], tolerance "
        "10 %. 1 without a baseline, 1 unchanged."
    )


def test_all_that_regressed_is_named() -> None:
    """Memory alone can make a scenario regress, and then it is what is named."""
    memory = judged(1.3, 1.2, 1.4, Verdict.REGRESSED, quantity="memory")
    both = rejudged(BATCH, quantities=(BATCH.judgement.quantities[0], memory))
    assert headline([HEAVIER]).startswith("serving-batch regressed: memory +20.1 %")
    assert ", tolerance 10 %, memory +30.0 % [+20.0, +40.0]" in headline([both])


def test_many_are_counted() -> None:
    """Two are named, so that the sentence stays short."""
    four = [replace(BATCH, name=f"s{number}") for number in range(4)]
    said = headline(four)
    assert said.startswith("All 4 scenarios regressed: s0, throughput ")
    assert said.endswith("; and 2 more.")
    assert "s2" not in said


def test_an_improvement_has_its_numbers_and_an_invalid_row_has_none() -> None:
    """Numbers of a measurement that cannot be used would only mislead."""
    better = rejudged(
        BATCH,
        verdict=Verdict.IMPROVED,
        quantities=(judged(1.2, 1.1, 1.3, Verdict.IMPROVED),),
    )
    assert headline([better]) == (
        "serving-batch improved: throughput +20.0 % [+10.0, +30.0], tolerance 10 %."
    )
    invalid = rejudged(BATCH, verdict=Verdict.INVALID, reason="timeout")
    assert headline([invalid]) == "serving-batch is invalid."


def test_the_same_verdict_of_all_needs_no_names() -> None:
    """They are all the scenarios, so only what changed is told."""
    two = [replace(LOCAL, name="a"), replace(LOCAL, name="b")]
    assert headline(two) == "Both scenarios are unchanged."
    none = [replace(UNREAD, name=name) for name in "abc"]
    assert headline(none) == "All 3 scenarios have no baseline."
    invalid = [rejudged(one, verdict=Verdict.INVALID, reason="timeout") for one in none]
    assert headline(invalid) == "All 3 scenarios are invalid."
    assert headline([invalid[0], LOCAL]) == "1 of 2 invalid: a. 1 unchanged."


def test_a_run_that_ended_early_is_never_a_pass() -> None:
    """What is missing belongs to the outcome; a run that is whole says nothing of it."""
    planned = ("decentralized", "a", "b")
    assert headline([LOCAL], planned).endswith(" Not finished: 2 of 3 not measured.")
    assert "Not finished" not in headline([LOCAL], ("decentralized",))


def test_nothing_measured_is_no_pass() -> None:
    """A run without scenarios says so."""
    assert headline([]) == "No scenario was measured."
    assert worst([]) is None


@untimed
@given(st.lists(scenarios, min_size=1, max_size=4))
def test_every_verdict_is_counted_once(results: list[ScenarioResult]) -> None:
    """The sentence has one line, and begins with the worst verdict."""
    assert set(SEVERITY) == set(Verdict)
    verdict = worst(results)
    number = sum(one.judgement.verdict is verdict for one in results)
    said = headline(results)
    if number < len(results):
        assert said.startswith(f"{number} of {len(results)} ")
    elif number > 1:
        assert said.startswith(("Both scenarios ", f"All {number} scenarios "))
    else:
        assert said.startswith(formatting.one_line(results[0].name))
    assert "\n" not in said
