"""The plots of all scenarios: what each row shows, and how it is named."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perf.report.page.comparisons import change_plot, ratio_plot, throughput_plot
from perf.report.page.strips import Strip, StripPlot
from perf.report.result import ScenarioResult
from perf.stats import Block, Pair, Verdict
from tests.perf.report.test_open_loop import CAPACITY, OFFERED
from tests.support.pages import INVALID, page_of
from tests.support.results import BATCH, HEAVIER, SETTLED, judged, rejudged


def _judged_by(figure: str, result: ScenarioResult) -> ScenarioResult:
    """Return the result with blocks and a change of this figure."""
    pairs = tuple(
        replace(pair, scenario=replace(pair.scenario, figure=figure))
        for pair in result.pairs
    )
    change = judged(0.9, 0.85, 0.95, Verdict.REGRESSED, quantity=figure)
    return rejudged(replace(result, pairs=pairs), quantities=(change,))


SEARCHED = _judged_by("capacity", replace(BATCH, name="searched", capacity=CAPACITY))
AT_RATE = _judged_by("goodput", replace(BATCH, name="at-rate", offered=OFFERED))


def rows(plot: StripPlot | None) -> list[Strip]:
    """Return the rows of a plot."""
    assert plot is not None
    return [strip for strip, _ in plot.rows]


def test_a_row_that_is_not_judged_by_throughput_says_by_what() -> None:
    """In all three plots; a plain name means throughput."""
    results = [BATCH, SEARCHED, AT_RATE]
    names = ["serving-batch", "searched, capacity", "at-rate, goodput"]
    for plot in (change_plot(results), throughput_plot(results), ratio_plot(results)):
        assert [row.name for row in rows(plot)] == names
    for result in results[1:]:
        for plot in (throughput_plot([result]), ratio_plot([result])):
            assert plot is not None
            assert "A row that names its figure shows that" in plot.caption
    usual = throughput_plot([BATCH])
    assert usual is not None
    assert "names its figure" not in usual.caption


def test_goodput_is_not_drawn_as_at_equal_pace() -> None:
    """It is not divided by the pace."""
    for results, said in (
        ([BATCH], "Change of throughput at equal pace, with"),
        ([SEARCHED], "Change of capacity at equal pace, with"),
        ([AT_RATE], "Change of goodput, which is not corrected for pace, with"),
        (
            [SEARCHED, AT_RATE],
            "Change of capacity at equal pace; of goodput, which is not corrected for pace",
        ),
    ):
        plot = change_plot(results)
        assert plot is not None
        assert plot.caption.startswith(said)


@pytest.mark.parametrize(
    ("result", "figure"),
    [(BATCH, "throughput"), (SEARCHED, "capacity"), (AT_RATE, "goodput")],
)
def test_the_pairs_are_of_the_figure_that_is_judged(
    result: ScenarioResult, figure: str
) -> None:
    """The caption of their plot and the headings of its table say it."""
    page = page_of(result)
    table = next(one for one in page.tables if one[0][:2] == ["pair", "launch"])
    assert table[0][2] == figure
    assert table[0][4] == "throughput of the reference"
    captions = [one.text for one in page.of("figcaption")]
    (caption,) = [one for one in captions if "in the order of measuring" in one]
    assert caption.startswith(f"{figure.capitalize()} of each block")


def test_a_throughput_has_its_interval_its_baseline_and_the_model_alone() -> None:
    """The baseline is drawn at the pace of this run: by the change, 0.802."""
    (row,) = rows(throughput_plot([BATCH]))
    assert row.point == pytest.approx(275 / 58.31)
    assert row.mark == pytest.approx(275 / 58.31 / 0.802)
    assert row.yardstick == pytest.approx(math.sqrt(7.52 * 7.68))
    assert row.ends is not None
    low, high = row.ends
    assert low < 275 / 58.31 < high
    assert row.value == (
        f"4.72 [{low:.2f}, {high:.2f}]/s, baseline 5.88/s, model alone 7.60/s"
    )
    page = page_of(BATCH)
    assert len(page.of("path", **{"class": "yardstick"})) == 1
    (settled,) = rows(throughput_plot([SETTLED]))
    assert "other tree 4.73/s" in settled.value


def test_launches_that_agree_have_a_shorter_interval() -> None:
    """It comes from the launches of the run itself."""

    def width(*rps: float) -> float:
        pairs = tuple(Pair(Block(x), Block(1.0), n) for n, x in enumerate(rps))
        (row,) = rows(throughput_plot([replace(BATCH, pairs=pairs)]))
        assert row.ends is not None
        return row.ends[1] - row.ends[0]

    assert width(4.7, 4.7, 4.7, 4.7) < width(4.3, 4.5, 4.9, 5.1)
    (row,) = rows(throughput_plot([replace(BATCH, pairs=BATCH.pairs[:1])]))
    assert row.ends is None
    assert row.value.startswith("4.72/s, ")


def test_a_search_shows_its_capacity_and_a_rate_its_goodput() -> None:
    """Not the throughput of its closed loops, nor all that was answered."""
    (capacity,) = rows(throughput_plot([SEARCHED]))
    assert (capacity.point, capacity.ends) == (9.137, (8.6, 9.541))
    assert capacity.value.startswith("9.14 [8.60, 9.54]/s, baseline 10.2/s")
    (goodput,) = rows(throughput_plot([AT_RATE]))
    assert goodput.point == 5.94
    none = replace(CAPACITY, rps=None, low_rps=None, high_rps=None)
    (unknown,) = rows(throughput_plot([replace(SEARCHED, capacity=none)]))
    assert (unknown.point, unknown.mark) == (None, None)
    assert unknown.value.startswith("-")


def test_nothing_answered_is_no_point() -> None:
    """A dot at zero would be a measurement."""
    none = replace(INVALID, name="died", images=0)
    row = rows(throughput_plot([none, BATCH]))[0]
    assert (row.point, row.ends, row.mark) == (None, None, None)
    assert row.value == "-"
    assert throughput_plot([none]) is None


def test_a_disturbed_machine_has_no_red_row() -> None:
    """Neither in the plot nor in the card; the verdict of the scenario stands there."""
    disturbed = rejudged(
        HEAVIER, verdict=Verdict.INCONCLUSIVE, reason="the machine was disturbed"
    )
    assert [row.verdict for row in rows(change_plot([disturbed]))] == [Verdict.INCONCLUSIVE]
    page = page_of(disturbed)
    assert page.of("span", **{"class": "verdict tone-regressed"}) == []
    table = next(one for one in page.tables if one[0][0] == "quantity")
    assert [row[-1] for row in table[1:]] == ["inconclusive", "inconclusive"]


def test_an_arrow_is_explained() -> None:
    """The words say what it means."""
    plot = change_plot([BATCH])
    assert plot is not None
    assert "An arrow means that the interval is longer than the plot." in plot.caption
