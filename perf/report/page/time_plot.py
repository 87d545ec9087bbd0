"""The plot of where the time of an image goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from perf.report import derived, formatting
from perf.report.page import svg
from perf.report.page.plot import Plot
from perf.report.page.tables import Cell, PageTable
from perf.report.result import ScenarioResult

_HEIGHT = 26
_COLOURS = 7  # classes of style.css
_LEAST_NUMBERED = 4.0  # per cent of the width, which a number needs on a narrow screen
_CAPTION = "Milliseconds of one core for an image, by part."


def time_plot(result: ScenarioResult) -> Plot | None:
    """Return the plot, or None where the CPU time of an image is not known."""
    known_ms = {
        formatting.one_line(part): value
        for part, value in derived.core_ms(result).items()
        if formatting.finite(value) is not None
    }
    # A part below zero is a difference, and has no box.
    drawn_ms = {part: value for part, value in known_ms.items() if value > 0.0}
    if not 0.0 < sum(drawn_ms.values()) < float("inf"):
        return None
    label = f"Time of an image of {formatting.one_line(result.name)}"
    return Plot(
        heading="Where the time of an image goes",
        caption=_CAPTION,
        drawing=svg.drawing(label, _HEIGHT, *_boxes(list(drawn_ms.values()))),
        data=_data(label, known_ms, list(drawn_ms)),
        is_key=True,
    )


def _boxes(values: list[float]) -> Iterator[Markup]:
    """Yield a box for each value, with its number from 1 where there is room."""
    whole, start = sum(values), 0.0
    for place, value in enumerate(values):
        end = min(start + 100.0 * (value / whole), 100.0)
        yield svg.box(start, end, 0, _HEIGHT, _colour(place))
        if end - start >= _LEAST_NUMBERED:
            yield svg.number((start + end) / 2.0, 17, str(place + 1))
        start = end


def _data(label: str, known_ms: Mapping[str, float], drawn: list[str]) -> PageTable:
    return PageTable(
        label=f"Data: {label}",
        headings=[Cell(text="part"), Cell(text="time of a core", kind="number")],
        rows=[
            [
                _key(part, drawn.index(part)) if part in drawn else Cell(text=part),
                Cell(text=formatting.milliseconds(value, 1), kind="number"),
            ]
            for part, value in known_ms.items()
        ],
    )


def _key(part: str, place: int) -> Cell:
    return Cell(text=f"{place + 1}: {part}", kind="key", tone=_colour(place))


def _colour(place: int) -> str:
    return f"part-{place % _COLOURS}"
