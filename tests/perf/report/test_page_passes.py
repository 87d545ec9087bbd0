"""What the page says of the whole run: passed or failed, skipped, missing, fair."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.judge.judgement import Judgement
from perf.judge.validity import Shares
from perf.report.document import document
from perf.report.formats.page import Page
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.stats import Block, Pair, Verdict
from tests.support.html_reader import Reading, read_html
from tests.support.results import BATCH, HARNESS, HEADER, LOCAL, rejudged

CALM = Shares(
    stolen_percent=0.0, foreign_percent=0.5, throttled_percent=0.0, idle_arm_percent=0.1
)
GOOD = replace(rejudged(BATCH, verdict=Verdict.UNCHANGED), conditions={"scenario": CALM})


def judged(name: str, verdict: Verdict) -> ScenarioResult:
    """Return a scenario with this verdict."""
    return replace(BATCH, name=name, judgement=Judgement(verdict=verdict, reason="why"))


def page_of(run: RunResults) -> Reading:
    """Return the page of this run."""
    return read_html(Page().render(run))


def passed_of(*results: ScenarioResult, required: bool = False) -> str:
    """Return what the page says of passing."""
    header = replace(HEADER, baseline_required=required)
    return (
        page_of(RunResults(header, scenarios=[*results]))
        .only("p", **{"class": "passed"})
        .text
    )


@pytest.mark.parametrize(
    ("verdict", "required", "fails"),
    [
        (Verdict.UNCHANGED, True, False),
        (Verdict.IMPROVED, True, False),
        (Verdict.INCONCLUSIVE, False, False),
        (Verdict.INCONCLUSIVE, True, True),
        (Verdict.NO_BASELINE, False, False),
        (Verdict.NO_BASELINE, True, True),
        (Verdict.REGRESSED, False, True),
        (Verdict.INVALID, False, True),
    ],
)
def test_the_page_passes_where_the_exit_code_does(
    verdict: Verdict, *, required: bool, fails: bool
) -> None:
    """By the verdict, and by whether a baseline was required."""
    said = passed_of(judged("a", verdict), required=required)
    assert said == ("Failed: a." if fails else "No verdict fails the run.")


def test_all_that_fail_are_counted() -> None:
    """The first three are named."""
    bad = [judged(name, Verdict.REGRESSED) for name in "abcde"]
    assert passed_of(*bad, judged("z", Verdict.UNCHANGED)) == "Failed: a, b, c and 2 more."


def test_an_unfinished_run_is_not_drawn_as_good() -> None:
    """Its colour is that of no verdict, and it is said that more is missing."""
    header = replace(HEADER, scenarios=("serving-batch", "other"))
    page = page_of(RunResults(header, scenarios=[GOOD]))
    assert page.only("header").attributes["class"] == "tone-nothing"
    assert page.only("p", **{"class": "passed"}).text == "No verdict so far fails the run."
    whole = replace(HEADER, scenarios=("serving-batch",))
    assert (
        page_of(RunResults(whole, scenarios=[GOOD])).only("header").attributes["class"]
        == "tone-unchanged"
    )


def test_a_skipped_scenario_is_not_missing() -> None:
    """The page says why it was skipped; the run is whole without it."""
    run = RunResults(replace(HEADER, scenarios=("serving-batch", "triton-batch")))
    run.add(GOOD)
    assert "Not finished: 1 of 2" in page_of(run).only("h1").text
    run.skip("triton-batch", "triton needs --perf-runtime docker")
    page = page_of(run)
    assert "Not finished" not in page.only("h1").text
    assert (
        "Skipped: triton-batch: triton needs --perf-runtime docker."
        in page.only("header").text
    )
    assert document(run)["planned"] == ["serving-batch"]
    assert document(run)["skipped"] == {
        "triton-batch": "triton needs --perf-runtime docker"
    }


def fair_of(*results: ScenarioResult, harness: bool = True) -> str:
    """Return the answer to the question whether the run was fair."""
    run = RunResults(HEADER, scenarios=[*results], harness=HARNESS if harness else None)
    found = page_of(run).only("section", id="fairness")
    return found.text


def test_a_run_is_fair_only_where_every_check_was_made() -> None:
    """A check without a value, and an invalid row, leave the answer open."""
    assert "Yes: no limit was broken." in fair_of(GOOD)
    assert "Not known for: serving-batch." in fair_of(GOOD, harness=False)
    assert "Not known for: serving-batch." in fair_of(replace(GOOD, conditions={}))
    invalid = replace(GOOD, judgement=Judgement(verdict=Verdict.INVALID, reason="died"))
    assert "Not known for: serving-batch." in fair_of(invalid)
    busy = replace(GOOD, conditions={"scenario": replace(CALM, foreign_percent=6.2)})
    assert "No. These limits were broken:" in fair_of(busy)


def test_the_null_control_is_that_which_was_checked() -> None:
    """It is at equal pace, as the limit is; other rows have none, and need none."""
    pairs = tuple(Pair(Block(2.0, 2.0), Block(1.0, 1.0), n) for n in range(4))
    local = replace(LOCAL, conditions={"scenario": CALM}, pairs=pairs)
    assert "Yes: no limit was broken." in fair_of(local)
    uneven = replace(
        local, pairs=tuple(Pair(Block(2.0, 1.0), Block(1.0, 1.0), n) for n in range(4))
    )
    assert "null control at equal pace 2.00" in fair_of(uneven)
