"""The plot of the latency: which share of the jobs took at most how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from perf.report import derived, formatting
from perf.report.page import svg
from perf.report.page.labels import as_milliseconds
from perf.report.page.plot import Plot
from perf.report.page.scales import Logarithmic, Scale
from perf.report.page.tables import PageTable, data_table
from perf.report.result import ScenarioResult

_TOP, _BOTTOM = 6, 156
_HEIGHT = _BOTTOM + 24
_LEAST_MS = 0.01  # what is shorter was rounded to zero
_MARGIN = 1.1
_SHARES = (0, 50, 90, 99)
_DRAWN = (*range(0, 90, 10), *range(90, 101))  # per cent; the tail is drawn finely


def latency_plot(result: ScenarioResult) -> Plot | None:
    """Return the plot, or None where no job was answered."""
    known_ms = derived.latency_quantiles_ms(result)
    if not known_ms:
        return None
    drawn_ms = {share: max(known_ms[share], _LEAST_MS) for share in _DRAWN}
    scale = Logarithmic(drawn_ms[0] / _MARGIN, drawn_ms[100] * _MARGIN)
    field = svg.stretched(
        _HEIGHT, svg.path("grid", _grid(scale)), svg.path("curve", _curve(drawn_ms, scale))
    )
    label = f"Latency of {formatting.one_line(result.name)}"
    return Plot(
        heading="Latency",
        caption=_caption(result),
        drawing=svg.drawing(label, _HEIGHT, field, *_labels(scale)),
        data=_data(label, result, known_ms),
    )


def _caption(result: ScenarioResult) -> str:
    known = derived.latency_ms(result)
    p50, p99 = (formatting.milliseconds(known[name]) for name in ("p50", "p99"))
    return f"Share of the jobs answered within a time: half in {p50}, 99 % in {p99}."


def _y(share: float) -> float:
    """Return the height of a share, 0 to 100, in pixels from the top."""
    return _BOTTOM - (_BOTTOM - _TOP) * share / 100.0


def _grid(scale: Scale) -> Iterator[str]:
    for share in _SHARES:
        yield svg.step("M", 0, _y(share)) + "H100"
    for value_ms in scale.ticks():
        yield svg.step("M", scale.at(value_ms), _TOP) + svg.step("V", _BOTTOM + 4)


def _curve(drawn_ms: Mapping[int, float], scale: Scale) -> Iterator[str]:
    """Yield lines from one quantile to the next."""
    for share, value_ms in drawn_ms.items():
        yield svg.step("L" if share else "M", scale.at(value_ms), _y(share))


def _labels(scale: Scale) -> Iterator[Markup]:
    for share in _SHARES[1:]:
        yield svg.beside(_y(share), formatting.percent(share))
    for value_ms in scale.ticks():
        yield svg.text(scale.at(value_ms), _BOTTOM + 18, as_milliseconds(value_ms))


def _data(label: str, result: ScenarioResult, known_ms: Sequence[float]) -> PageTable:
    ends = {"shortest": known_ms[0], "longest": known_ms[-1]}
    shown_ms = {"shortest": ends["shortest"], **derived.latency_ms(result), **ends}
    return data_table(
        f"Data: {label}",
        ["percentile", *shown_ms],
        [["latency", *map(formatting.milliseconds, shown_ms.values())]],
    )
