"""What the page tells of one scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perf.config.header import RunHeader
from perf.judge.judgement import Judgement
from perf.report import formatting, message, repeating
from perf.report.changes import verdict_on
from perf.report.page.anchors import card_id
from perf.report.page.blocks_plot import blocks_plot
from perf.report.page.latency_plot import latency_plot
from perf.report.page.plot import Plot
from perf.report.page.settings import own_settings, settings_line, shared_settings
from perf.report.page.tables import Cell, PageTable, verdict_cell
from perf.report.page.time_plot import time_plot
from perf.report.page.usage_plot import usage_plot
from perf.report.result import ScenarioResult
from perf.stats import Verdict

_QUIET = {Verdict.UNCHANGED, Verdict.NO_BASELINE}
_REFERENCE = "the reference"
_QUANTITIES = {
    "memory": "peak memory",
    "cpu": "CPU time of an image",
    "p99": "p99 of the latency",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One scenario."""

    anchor: str
    name: str
    verdict: Cell

    change: str
    """Empty where nothing was compared."""

    is_open: bool
    """Whether it is shown without being asked for."""

    account: str
    """The verdict in words."""

    command: str
    """What repeats it."""

    settings: str
    """Those that not all scenarios share."""

    differences: Sequence[str]

    replaced: Sequence[str]
    """What disturbed each pair that was measured again."""

    judged: PageTable | None
    plots: Sequence[Plot]


def cards(results: Sequence[ScenarioResult], header: RunHeader) -> list[Card]:
    """Return a card for each scenario; one alone is always open."""
    alone = len(results) == 1
    shared = shared_settings(results)
    return [
        _card(result, header, number, shared, is_alone=alone)
        for number, result in enumerate(results, start=1)
    ]


def _card(
    result: ScenarioResult,
    header: RunHeader,
    number: int,
    shared: Mapping[str, object],
    *,
    is_alone: bool,
) -> Card:
    judgement = result.judgement
    bad = result.requests.failed or result.requests.wrong
    return Card(
        anchor=card_id(number),
        name=formatting.one_line(result.name),
        verdict=verdict_cell(judgement.verdict),
        change=formatting.change_interval(judgement.change) if judgement.change else "",
        is_open=is_alone or bool(bad) or judgement.verdict not in _QUIET,
        account=message.account(result, header),
        command=formatting.one_line(repeating.again(result, header)),
        settings=settings_line(own_settings(result, shared)),
        differences=[formatting.one_line(one) for one in judgement.differences],
        replaced=[formatting.one_line(one) for one in result.replaced],
        judged=_judged(judgement),
        plots=list(_plots(result)),
    )


def _judged(judgement: Judgement) -> PageTable | None:
    """Return the table of all quantities that were judged, or None without any."""
    if not judgement.quantities:
        return None
    return PageTable(
        label="What was judged",
        headings=[
            Cell(text="quantity"),
            Cell(text="change", kind="number"),
            Cell(text="tolerance", kind="number"),
            Cell(text="verdict"),
        ],
        rows=[
            [
                Cell(text=_QUANTITIES.get(one.quantity, one.quantity)),
                Cell(text=formatting.change_interval(one.change), kind="number"),
                Cell(text=formatting.fraction(one.tolerance), kind="number"),
                verdict_cell(verdict_on(one, judgement)),
            ]
            for one in judgement.quantities
        ],
    )


def _plots(result: ScenarioResult) -> Iterator[Plot]:
    judgement = result.judgement
    name = formatting.one_line(result.name)
    tree = formatting.one_line(judgement.against) or _REFERENCE
    # Where a baseline was settled side by side, there are pairs of both kinds.
    other = _REFERENCE if result.against_pairs or judgement.before else tree
    plots = (
        blocks_plot("Pairs", result.pairs, name, other),
        blocks_plot("Pairs side by side", result.against_pairs, name, tree),
        latency_plot(result),
        usage_plot(result),
        time_plot(result),
    )
    yield from filter(None, plots)
