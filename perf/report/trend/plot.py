"""The plot of one series: a point and its interval for each run, and where it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from perf.report import formatting
from perf.report.page import svg
from perf.report.page.labels import as_rate
from perf.report.page.plot import Plot
from perf.report.page.scales import Linear
from perf.report.page.tables import Cell, PageTable, verdict_cell
from perf.report.trend.history import Shift, TrendRun, TrendSeries
from perf.stats import Verdict

_TOP, _BOTTOM = 22, 172
_HEIGHT = _BOTTOM + 26
_LEAST = 0.02  # of the mean: how far the plot reaches up and down, at least
_SHORT = 12  # digits of a commit
_NEWS = 8  # pixels
_MOST_DATES = 3  # on a narrow screen
_CAPTION = (
    "{}, from run to run, with the 95 % interval of the run's own launches. The line is "
    "the mean level."
)


@dataclass(frozen=True, slots=True)
class _Words:
    """How a figure is told."""

    heading: str

    what: str
    """What a point is; it begins the caption."""

    column: str
    """The heading of its column in the table."""


_WORDS = {
    "throughput": _Words(
        "Throughput at equal pace",
        "Images a second at the mean pace of these runs",
        "at equal pace",
    ),
    "goodput": _Words("Goodput", "Good requests a second", "mean of launches"),
    "capacity": _Words(
        "Capacity at equal pace",
        "The highest rate of requests that meets the SLO, at the mean pace of these runs",
        "at equal pace",
    ),
}


def trend_plot(series: TrendSeries) -> Plot | None:
    """Return the plot, or None where no run was measured."""
    if not any(run.level for run in series.runs):
        return None
    scale, words = _scale(series), _words(series.figure)
    field = svg.stretched(
        _HEIGHT,
        svg.path("launch", _columns(series)),
        svg.path("grid", (svg.step("M", 0, _y(x, scale)) + "H100" for x in scale.ticks())),
        svg.path("news", _news(series.runs)),
        svg.path("whisker", _whiskers(series.runs, scale)),
        svg.path("theirs", _dots(series.runs, scale, counts=False)),
        svg.path("ours", _dots(series.runs, scale, counts=True)),
        svg.path("curve", _steps(series.levels, scale)),
    )
    label = f"{words.heading} of {formatting.one_line(series.name)}"
    said = f"{label}: {len(series.runs)} runs, {_counted(series.shifts)}"
    drawn = (field, *_crosses(series.runs), *_lines(series), *_labels(series, scale))
    return Plot(
        heading=words.heading,
        caption=_CAPTION.format(words.what),
        keys=list(_keys(series)),
        drawing=svg.drawing(said, _HEIGHT, *drawn),
        data=_data(f"{label}, {series.about}", words.column, series.runs),
    )


def _words(figure: str) -> _Words:
    name = formatting.one_line(figure)
    return _WORDS.get(figure) or _Words(name, name, "level")


def _counted(shifts: Sequence[Shift]) -> str:
    if not shifts:
        return "no change"
    return "1 change" if len(shifts) == 1 else f"{len(shifts)} changes"


def _keys(series: TrendSeries) -> Iterator[tuple[str, str]]:
    yield "key-ours", "a run"
    if any(run.level and not run.counts for run in series.runs):
        yield "key-theirs", "the machine was disturbed, or the run is invalid"
    if any(run.level is None for run in series.runs):
        yield "key-cross", "nothing was measured"
    if any(run.news for run in series.runs):
        yield "key-news", "other versions, settings, kernel or CPU"
    if any(_new_baselines(series.runs)):
        yield "key-mark", "a new baseline"
    if series.shifts:
        yield "key-shift", "a change"


def _scale(series: TrendSeries) -> Linear:
    """Return a scale with all points, and with intervals as far as they are not vast."""
    known = [run.level for run in series.runs if run.level]
    low, high = min(one.point for one in known), max(one.point for one in known)
    middle = (low + high) / 2.0
    reach = max(high - middle, _LEAST * middle)
    low, high = middle - 2.0 * reach, middle + 2.0 * reach
    ends = [end for one in known for end in (one.low, one.high) if low < end < high]
    needed = [*ends, middle - reach, middle + reach]
    return Linear(max(0.0, min(needed)), max(needed))


def _y(value: float, scale: Linear) -> float:
    """Return the height of a value, in pixels from the top."""
    return _BOTTOM - (_BOTTOM - _TOP) * scale.at(value) / 100.0


def _x(place: float, number: int) -> float:
    """Return the place of the middle of a run along the plot."""
    return 100.0 * (place + 0.5) / number


def _columns(series: TrendSeries) -> Iterator[str]:
    """Yield a column for every other part between changes."""
    number = len(series.runs)
    edges = [0, *(one.place for one in series.shifts), number]
    for start, end in list(pairwise(edges))[1::2]:
        across = svg.step("M", 100.0 * start / number, 0)
        across += svg.step("H", 100.0 * end / number)
        yield across + svg.step("V", _BOTTOM) + svg.step("H", 100.0 * start / number) + "z"


def _news(runs: Sequence[TrendRun]) -> Iterator[str]:
    for place, run in enumerate(runs):
        if run.news:
            yield svg.step("M", _x(place, len(runs)), _BOTTOM) + f"v{_NEWS}"


def _whiskers(runs: Sequence[TrendRun], scale: Linear) -> Iterator[str]:
    for place, run in enumerate(runs):
        if run.level:
            yield svg.step("M", _x(place, len(runs)), _y(run.level.low, scale))
            yield svg.step("V", _y(run.level.high, scale))


def _dots(runs: Sequence[TrendRun], scale: Linear, *, counts: bool) -> Iterator[str]:
    """Yield a step so short that only its ends are seen: they are as wide as the line."""
    for place, run in enumerate(runs):
        if run.level and run.counts is counts:
            at = svg.step("M", _x(place, len(runs)), _y(run.level.point, scale))
            yield f"{at}h.01"


def _steps(levels: Sequence[float | None], scale: Linear) -> Iterator[str]:
    """Yield the mean level, as a line that is broken where it changes."""
    before: float | None = None
    for place, level in enumerate(levels):
        if level is not None:
            start, end = 100.0 * place / len(levels), 100.0 * (place + 1) / len(levels)
            if level != before:
                yield svg.step("M", start, _y(level, scale))
            yield svg.step("H", end)
        before = level


def _crosses(runs: Sequence[TrendRun]) -> Iterator[Markup]:
    for place, run in enumerate(runs):
        if run.level is None:
            yield svg.text(_x(place, len(runs)), _BOTTOM - 2, "×")  # noqa: RUF001 -- a cross


def _new_baselines(runs: Sequence[TrendRun]) -> Iterator[int]:
    """Yield the runs in which another baseline applied than before."""
    before = ""
    for place, run in enumerate(runs):
        if run.baseline and run.baseline != before:
            if before or place:
                yield place
            before = run.baseline


def _lines(series: TrendSeries) -> Iterator[Markup]:
    number = len(series.runs)
    for place in _new_baselines(series.runs):
        yield svg.upright(100.0 * place / number, _TOP, _BOTTOM, "mark")
    for one in series.shifts:
        tone = "loss" if one.change.point < 1.0 else "gain"
        at = 100.0 * one.place / number
        yield svg.upright(at, 16, _BOTTOM, f"shift {tone}")
        yield svg.text(at, 12, formatting.change(one.change.point))


def _labels(series: TrendSeries, scale: Linear) -> Iterator[Markup]:
    for value in scale.ticks():
        yield svg.beside(_y(value, scale), as_rate(value))
    number = len(series.runs)
    places = sorted({0, (number - 1) // 2, number - 1}) if number >= _MOST_DATES else [0]
    for place in places:
        date = series.runs[place].at.partition(" ")[0]
        yield svg.text(_x(place, number), _HEIGHT - 2, date)


def _data(label: str, column: str, runs: Sequence[TrendRun]) -> PageTable:
    baselines = set(_new_baselines(runs))
    return PageTable(
        label=f"Data: {formatting.one_line(label)}",
        headings=[
            Cell(text="run"),
            Cell(text="commit"),
            Cell(text=column, kind="number"),
            Cell(text="measured", kind="number"),
            Cell(text="verdict"),
            Cell(text="what is new"),
        ],
        rows=[_row(run, is_new=n in baselines) for n, run in enumerate(runs)],
    )


def _row(run: TrendRun, *, is_new: bool) -> list[Cell]:
    commit = formatting.one_line(run.commit[:_SHORT]) or formatting.UNKNOWN
    news = [*run.news, *([f"baseline {run.baseline}"] if is_new else [])]
    disturbed = run.level and not run.counts and run.verdict is not Verdict.INVALID
    return [
        Cell(text=run.at),
        Cell(text=f"{commit} with changes" if run.changed else commit),
        Cell(text=formatting.interval(run.level), kind="number"),
        Cell(text=formatting.rate(run.measured_rps), kind="number"),
        verdict_cell(run.verdict, "the machine was disturbed" if disturbed else ""),
        Cell(text=formatting.one_line("; ".join(news))),
    ]
