"""Tables as the templates show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from perf.report import formatting
from perf.report.figures.base import Section
from perf.report.page.anchors import card_id
from perf.report.page.tone import symbol_of, tone_of
from perf.report.rendering import Table
from perf.report.result import ScenarioResult
from perf.report.sections import table_of
from perf.stats import Verdict

Kind = Literal["text", "number", "verdict", "beyond", "key"]
_VERDICT = "verdict"  # the heading of that column


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell."""

    text: str

    kind: Kind = "text"
    """`beyond` is a number that breaks a limit, `key` is the key to a colour."""

    tone: str = ""
    symbol: str = ""

    why: str = ""
    """What explains it, in smaller type: the reason of a verdict, the limit of a column."""

    target: str = ""
    """The id of the part of the page that tells more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """A table; the first cell of a row is its heading."""

    label: str
    """What it shows, for those who do not see it."""

    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


def page_table(label: str, table: Table) -> PageTable:
    """Return a table of the report with the same cells."""
    kinds: list[Kind] = ["number" if one == "right" else "text" for one in table.alignment]
    headings = [_joined(heading) for heading in table.headings]
    return PageTable(
        label=label,
        headings=_cells(headings, kinds),
        rows=[_cells(row, kinds) for row in table.rows],
    )


def data_table(
    label: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> PageTable:
    """Return a table of text, then numbers: only the first column is text."""
    kinds: list[Kind] = ["number"] * len(headings)
    kinds[0] = "text"
    return PageTable(
        label=label,
        headings=_cells(headings, kinds),
        rows=[_cells(row, kinds) for row in rows],
    )


def section_table(section: Section, results: Sequence[ScenarioResult]) -> PageTable:
    """Return a section's table, with each verdict marked and, if need be, explained."""
    table = page_table(section.value, table_of(section, results))
    is_verdict = [heading.text == _VERDICT for heading in table.headings]
    rows = [
        [
            _verdict_cell(result) if marked else cell
            for marked, cell in zip(is_verdict, _linked(row, number), strict=True)
        ]
        for number, (result, row) in enumerate(
            zip(results, table.rows, strict=True), start=1
        )
    ]
    return PageTable(label=table.label, headings=table.headings, rows=rows)


def _joined(heading: str) -> str:
    """Return a heading of two lines on one; a hyphen that only divides a word goes."""
    return heading.replace("-\n", "").replace("\n", " ")


def verdict_cell(verdict: Verdict, why: str = "") -> Cell:
    """Return the cell of a verdict."""
    tone, symbol = tone_of(verdict), symbol_of(verdict)
    return Cell(text=str(verdict), kind="verdict", tone=tone, symbol=symbol, why=why)


def _verdict_cell(result: ScenarioResult) -> Cell:
    judgement = result.judgement
    # Other reasons are long, and stand at the head and with each scenario.
    is_invalid = judgement.verdict is Verdict.INVALID
    why = formatting.one_line(judgement.reason) if is_invalid else ""
    return verdict_cell(judgement.verdict, why)


def _linked(row: Sequence[Cell], number: int) -> list[Cell]:
    """Return a row whose first cell leads to what is told of the scenario."""
    return [replace(row[0], target=card_id(number)), *row[1:]]


def _cells(texts: Sequence[str], kinds: Sequence[Kind]) -> list[Cell]:
    return [Cell(text=text, kind=kind) for text, kind in zip(texts, kinds, strict=True)]
