"""A plot with a row for each scenario: a point and its interval on one common scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from perf.report.page import svg
from perf.report.page.scales import Scale
from perf.report.page.tone import symbol_of, tone_of
from perf.stats import Verdict

_HEIGHT = 28
_MIDDLE = 14
_AXIS_HEIGHT = 24
_RADIUS = 5
# An interval that goes on beyond the plot ends in an arrow.
_TO_THE_LEFT, _TO_THE_RIGHT = "M0 0l8 -5v10z", "M0 0l-8 -5v10z"
_DIAMOND = "M0 -6l5 6l-5 6l-5 -6z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One row. Its numbers are in the unit of the axis."""

    name: str

    anchor: str
    """The id of the part of the page that tells more."""

    value: str
    """The numbers beside the plot."""

    verdict: Verdict | None = None
    """None where the plot is not about verdicts."""

    point: float | None = None
    """None where there is nothing to draw."""

    ends: tuple[float, float] | None = None
    """The interval."""

    band: tuple[float, float] | None = None
    """What is shaded, such as the tolerance."""

    mark: float | None = None
    """What the point is compared with, such as the baseline."""

    yardstick: float | None = None
    """What the model alone does."""

    @property
    def tone(self) -> str:
        """The class of its colour."""
        return tone_of(self.verdict) if self.verdict else "plain"

    @property
    def symbol(self) -> str:
        """The symbol of its verdict, or nothing."""
        return symbol_of(self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What all rows share."""

    scale: Scale

    label: Callable[[float], str]
    """Turns a value into the text below it."""

    origin: float | None = None
    """Where there is a line through all rows, such as at no change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPlot:
    """The plot as the templates show it."""

    heading: str
    caption: str

    rows: Sequence[tuple[Strip, Markup]]
    """Each row with its drawing, which has no name: the row tells as much in words."""

    axis: Markup


def strip_plot(
    heading: str, caption: str, strips: Sequence[Strip], axis: Axis
) -> StripPlot:
    """Return the plot of `strips`, in their order."""
    grid = f"grid-{heading.lower()}"
    return StripPlot(
        heading=heading,
        caption=caption,
        rows=[(strip, _row(strip, axis, grid)) for strip in strips],
        axis=_axis(axis, grid),
    )


def _row(strip: Strip, axis: Axis, grid: str) -> Markup:
    at = axis.scale.at
    marks: list[Markup] = []
    if strip.band:
        low, high = strip.band
        marks.append(svg.box(at(low), at(high), 0, _HEIGHT, "band"))
    marks.append(svg.use(grid))
    if strip.mark is not None:
        marks.append(svg.upright(at(strip.mark), 4, _HEIGHT - 4, "mark"))
    if strip.yardstick is not None:
        marks.append(svg.shape(at(strip.yardstick), _MIDDLE, _DIAMOND, "yardstick"))
    if strip.ends:
        marks += _interval(*strip.ends, axis.scale)
    if strip.point is not None:
        marks.append(_dot(at(strip.point)))
    return svg.unnamed(_HEIGHT, *marks)


def _interval(low: float, high: float, scale: Scale) -> list[Markup]:
    start, end = scale.at(low), scale.at(high)
    marks = [svg.level(_MIDDLE, "interval", start, end)]
    if low < scale.low:
        marks.append(svg.shape(start, _MIDDLE, _TO_THE_LEFT, "arrow"))
    if high > scale.high:
        marks.append(svg.shape(end, _MIDDLE, _TO_THE_RIGHT, "arrow"))
    return marks


def _dot(place: float) -> Markup:
    return svg.element("circle", cx=svg.percent(place), cy=_MIDDLE, r=_RADIUS, class_="dot")


def _axis(axis: Axis, grid: str) -> Markup:
    at = axis.scale.at
    lines = [svg.upright(at(x), 0, _HEIGHT, "grid") for x in axis.scale.ticks()]
    if axis.origin is not None:
        lines.append(svg.upright(at(axis.origin), 0, _HEIGHT, "origin"))
    marks = [svg.shared(grid, *lines), svg.level(1, "axis")]
    for value in axis.scale.ticks():
        place = at(value)
        marks.append(svg.upright(place, 1, 6, "axis"))
        marks.append(svg.text(place, 19, axis.label(value)))
    return svg.unnamed(_AXIS_HEIGHT, *marks)
