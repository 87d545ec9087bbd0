"""The plot of changes in characters, for places that show no images of ours.

GitHub removes images that a page brings along, and mails show no diagrams. A block of
preformatted text reaches every reader as it is. All characters are of WGL4, the set that
the usual fonts with letters of equal width have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.judge.judgement import Judged
from perf.report import formatting
from perf.report.changes import band, change_scale, shown
from perf.report.outcome import Outcome
from perf.report.page.labels import as_change
from perf.report.page.scales import Scale
from perf.stats import THROUGHPUT

KEY = (
    "│ marks no change. Left of it is slower. ░ is the tolerance; ├──●──┤ is the change "
    "with the interval that decided. For memory, cpu and p99, right is worse."
)
_WIDTH = 49  # with names of 20 letters it fits where GitHub shows a comment
_LONGEST_NAME = 32
_LAST = _WIDTH - 1


def change_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the plot, a line for each change and two for the axis.

    Empty where nothing was compared.
    """
    rows = [row for outcome in outcomes for row in _named(outcome)]
    if not rows:
        return []
    scale = change_scale([one for _, one in rows])
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {_row(one, scale)}" for name, one in rows]
    lines += [f"{'':<{width}}  {line}" for line in _axis(scale)]
    return [line.rstrip() for line in lines]


def _named(outcome: Outcome) -> Iterator[tuple[str, Judged]]:
    """Yield what is shown of a scenario, each with its name."""
    name = formatting.one_line(outcome.name)
    for one in shown(outcome.judgement):
        said = name if one.quantity == THROUGHPUT.name else f"{name}, {one.quantity}"
        yield (f"{said[: _LONGEST_NAME - 1]}…" if len(said) > _LONGEST_NAME else said), one


def _row(one: Judged, scale: Scale) -> str:
    """Return the drawing of one change; what comes later covers what was there."""
    cells = [" "] * _WIDTH
    low, high = (_cell(end, scale) for end in band(one))
    cells[low : high + 1] = "░" * (high + 1 - low)
    cells[_cell(0.0, scale)] = "│"
    first, last = one.change.low - 1.0, one.change.high - 1.0
    low, high = _cell(first, scale), _cell(last, scale)
    cells[low : high + 1] = "─" * (high + 1 - low)
    if low < _cell(0.0, scale) < high:
        cells[_cell(0.0, scale)] = "┼"
    cells[low] = "◄" if first < scale.low else "├"
    cells[high] = "►" if last > scale.high else "┤"
    cells[_cell(one.change.point - 1.0, scale)] = "●"
    return "".join(cells)


def _axis(scale: Scale) -> tuple[str, str]:
    """Return the line of the axis, and the values below it."""
    line, labels = ["─"] * _WIDTH, [" "] * _WIDTH
    free = 0
    for value in scale.ticks():
        place, text = _cell(value, scale), as_change(value)
        line[place] = "┴"
        start = min(max(place - len(text) // 2, 0), _WIDTH - len(text))
        if start >= free:
            labels[start : start + len(text)] = text
            free = start + len(text) + 1
    return "".join(line), "".join(labels)


def _cell(value: float, scale: Scale) -> int:
    return round(scale.at(value) / 100.0 * _LAST)
