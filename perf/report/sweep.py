"""The report of a sweep: every point, the best ones head to head, and a row to paste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perf.report import formatting
from perf.report.rendering import Align, Table, escape
from perf.stats import Estimate

NOTE = (
    "each value with its interval (95 %), all at the mean pace of the table's blocks; "
    "best: no other point is better in one objective and as good in the others"
)
FINAL_NOTE = (
    "head to head: new launches of these points alone, in turn, because the best of many "
    "is partly luck; change: over today's row"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptPoint:
    """One point of the race."""

    key: str
    launches: int

    values: Mapping[str, Estimate | None]
    """Each objective in its own unit: images a second, milliseconds, bytes."""

    is_best: bool
    """Whether it is in the Pareto set."""

    remark: str = ""
    """Why it could not be measured, which point beat it, how much was disturbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalPoint:
    """One point measured anew, beside today's row."""

    key: str
    launches: int
    values: Mapping[str, Estimate | None]

    changes: Mapping[str, Estimate | None]
    """Over today's row, by objective; empty for today's row itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep found."""

    name: str
    header: str
    objectives: Sequence[str]
    points: Sequence[SweptPoint]
    finals: Sequence[FinalPoint]

    infeasible: Mapping[str, str]
    """Why each of the other points was not measured."""

    winner: str
    """The row of the winner, as the table has it; empty where none is surely better."""


def render(result: SweepResult, *, markdown: bool) -> str:
    """Return the report for a terminal or as Markdown, without a newline at its end."""
    title = f"sweep {result.name}"
    parts = [f"## {title[:1].upper()}{title[1:]}" if markdown else title, result.header]
    if markdown:
        parts[1] = escape(parts[1])
    for table, note in (
        (_race(result), NOTE),
        (_final(result), FINAL_NOTE),
    ):
        parts.append(table.as_markdown() if markdown else table.as_text())
        parts.append(escape(note) if markdown else note)
    for key, why in result.infeasible.items():
        line = f"not measured: {key}: {formatting.one_line(why)}"
        parts.append(escape(line) if markdown else line)
    parts.append(_row(result, markdown=markdown))
    return "\n\n".join(parts)


def _race(result: SweepResult) -> Table:
    columns: list[tuple[str, Align]] = [("point", "left"), ("launches", "right")]
    columns += [(name, "right") for name in result.objectives]
    columns += [("best", "left"), ("remark", "left")]
    rows = [
        [
            one.key,
            str(one.launches),
            *(shown(name, one.values.get(name)) for name in result.objectives),
            "yes" if one.is_best else "",
            formatting.one_line(one.remark),
        ]
        for one in result.points
    ]
    return _table(columns, rows)


def _final(result: SweepResult) -> Table:
    columns: list[tuple[str, Align]] = [("head to head", "left"), ("launches", "right")]
    for name in result.objectives:
        columns += [(name, "right"), ("change", "right")]
    rows = []
    for one in result.finals:
        row = [one.key, str(one.launches)]
        for name in result.objectives:
            row.append(shown(name, one.values.get(name)))
            row.append(formatting.change_interval(one.changes.get(name)))
        rows.append(row)
    return _table(columns, rows)


def disturbed_blocks(number: int) -> str:
    """Return how many blocks count though the machine was disturbed."""
    return f"{number} disturbed block{'' if number == 1 else 's'}"


def shown(objective: str, value: Estimate | None) -> str:
    """Return a value with its unit."""
    if value is None:
        return formatting.UNKNOWN
    if objective == "memory":
        return formatting.memory(round(value.point), "pss")
    unit = " ms" if objective == "p99" else "/s"
    return f"{formatting.interval(value)}{unit}"


def _row(result: SweepResult, *, markdown: bool) -> str:
    if not result.winner:
        return "No point is surely better than today's row."
    fenced = f"```toml\n{result.winner}\n```" if markdown else result.winner
    return f"The winner as a row of perf/scenarios.toml:\n\n{fenced}"


def _table(columns: Sequence[tuple[str, Align]], rows: Sequence[Sequence[str]]) -> Table:
    return Table(
        headings=[heading for heading, _ in columns],
        alignment=[align for _, align in columns],
        rows=rows,
    )
