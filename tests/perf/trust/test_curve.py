"""The operating curve, the rules of other tools, and the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf.stats import Verdict
from perf.stats.rule import RUN_ALPHA
from perf.trust import page as pages
from perf.trust.curve import LOSSES, Rate, operating_curve, rival_rates
from perf.trust.draws import Plan, SideBySide, SinceBaseline, tally
from perf.trust.outcomes import live_rows, read_live
from perf.trust.recordings import read_recordings
from perf.trust.render import SIDE_BY_SIDE, MachinePart, Page, markdown, plot
from perf.trust.rivals import RIVALS, Pinpoint, pinpoint
from tests.perf.trust.examples import steady_run

PAGE = Path(pages.__file__).with_name("CURVE.md")
MAIN = ["decentralized", "serving-batch", "serving-single", "serving-workers-2"]
PLAN = Plan(planned=4, tolerances={"serving": 0.015})


def test_a_rate_has_wilsons_interval() -> None:
    """The interval is that of the textbook, also for a share of 0."""
    assert Rate(0, 100).interval == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert Rate(50, 100).interval == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert str(Rate(1, 100)) == "1.0% [0.2%, 5.4%]"


@pytest.mark.parametrize(
    ("slower", "called"),
    [
        (1.0, set()),
        (1.06, {"pytest", "benchstat", "perf_analyzer"}),
        (1.2, {"pytest", "benchstat", "perf_analyzer", "asv"}),
        (1.4, {"pytest", "benchstat", "perf_analyzer", "asv", "TorchServe"}),
    ],
)
def test_other_rules_have_their_own_thresholds(slower: float, called: set[str]) -> None:
    """Each rule calls a steady series slower from its own threshold on."""
    before = [1.0 + 0.001 * n for n in range(16)]
    after = [slower * duration for duration in before]
    found = {name for name, rule in RIVALS.items() if rule(before, after)}
    assert {name.replace("-", " ").replace(",", " ").split()[0] for name in found} == called


@pytest.mark.parametrize(
    ("slower", "verdict"),
    [(1.0, Verdict.UNCHANGED), (1.06, Verdict.REGRESSED), (0.94, Verdict.IMPROVED)],
)
def test_pinpoint_tests_the_launches_of_two_trees(slower: float, verdict: Verdict) -> None:
    """Ten launches that do not overlap differ, in the direction of their medians."""
    theirs = [1.0 + 0.001 * n for n in range(10)]
    assert pinpoint(theirs, [slower * duration for duration in theirs]) is verdict


def test_pinpoint_is_drawn_like_our_own_rule() -> None:
    """It sees most losses of 10 %, and seldom finds one where none is."""
    runs = [{"serving": steady_run(1, launches=20)}]
    drawn = Pinpoint(SideBySide(runs, replace(PLAN, planned=16)))
    curve = operating_curve(drawn, number=40, seed=1)
    assert curve.regressed["serving", 0.10].share >= 0.5
    assert 10.0 <= curve.launches["serving", 0.10] <= 16.0
    assert curve.alarms.hits <= 6


def test_the_page_has_every_machine_way_rule_and_loss() -> None:
    """The page shows each machine's curves and the other rules; the plot is an SVG."""
    runs = [{"serving": steady_run(seed)} for seed in (1, 2)]
    beside = operating_curve(SideBySide(runs, PLAN), number=20, seed=1)
    since = SinceBaseline(runs, PLAN)
    machine = MachinePart(
        name="a-machine",
        planned=4,
        curves={
            "with a baseline of 1 run": operating_curve(since, number=20, seed=1),
            SIDE_BY_SIDE: beside,
        },
        longer={12: beside},
        rivals=rival_rates(since, number=20, seed=1),
        recordings=[],
    )
    page = Page(machines=[machine], live=[], number=20, computed_on="2026-01-02")
    text = markdown(page)
    for name in ("### a-machine: side by side", "with a baseline of 1 run", *RIVALS):
        assert name in text
    assert str(beside.regressed["serving", LOSSES[-1]]) in text
    assert all(f" {loss:.0%} " in text for loss in LOSSES)
    assert re.search(r"\| a-machine +\| 12 ", text)
    assert plot(page).startswith(b"<?xml")


def _words(page: str) -> list[str]:
    """Return the lines of a page without its figures, and of its tables the headings."""
    lines = re.sub(r"[-\d,.]+%?", "#", page).splitlines()
    tables = [n for n, line in enumerate(lines) if line.startswith("|")]
    headings = [n for n in tables if n - 1 not in tables]
    return [
        " ".join(line.split())
        for n, line in enumerate(lines)
        if n in headings or n not in tables
    ]


def test_the_committed_page_has_the_words_of_the_program() -> None:
    """CURVE.md differs only in its figures from the page that the program writes."""
    written = markdown(pages.page_of(read_recordings("process"), 2))
    assert _words(PAGE.read_text("utf-8")) == _words(written)


def test_the_recordings_are_runs_of_this_suite() -> None:
    """Each has pace in every block, and at least two launches of each scenario."""
    for recordings in read_recordings("process").values():
        for one in recordings:
            for name in one.scenarios:
                launches = one.launches(name)
                assert len(launches) >= 2, (one.recorded, name)
                pairs = [pair for launch in launches for pair in launch]
                assert all(pair.scenario.pace and pair.reference.pace for pair in pairs)


def test_every_live_run_is_in_the_page() -> None:
    """The page counts all live verdicts."""
    live = read_live()
    counted = sum(sum(r.verdicts.values()) for r in live_rows(live) if not r.scenario)
    assert counted == len(live)


def _recorded() -> Iterator[tuple[str, SideBySide]]:
    """Yield each machine's name, and what draws its runs side by side."""
    for name, recordings in read_recordings("process").items():
        beside = pages.beside_of(name, recordings)
        if beside.names:
            yield name, beside


@pytest.mark.slow(reason="draws thousands of runs")
def test_side_by_side_there_are_no_more_false_alarms_than_allowed() -> None:
    """On every recorded machine, at most 1 % of the unchanged runs are called changed."""
    for name, beside in _recorded():
        drawn = tally(beside, number=2000, seed=pages.SEED, loss=0.0)
        alarms = Rate(drawn.alarms, drawn.runs)
        assert alarms.interval[0] <= RUN_ALPHA, (name, str(alarms))


@pytest.mark.slow(reason="draws thousands of runs")
def test_side_by_side_a_large_loss_is_seen() -> None:
    """On every recorded machine, a loss of 10 % is called regressed 99 times in 100."""
    for name, beside in _recorded():
        drawn = tally(beside, number=500, seed=pages.SEED, loss=0.10)
        for scenario in beside.names:
            called = drawn.verdicts[scenario][Verdict.REGRESSED]
            rate = Rate(called, drawn.runs)
            assert rate.interval[1] >= 0.99, (name, scenario, str(rate))
