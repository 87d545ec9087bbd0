"""The plot of CPU and memory over the time of the blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from perf.machine.timeline import Span, joined
from perf.report import formatting
from perf.report.derived import cpu_percent, timed, timed_parts
from perf.report.page import svg
from perf.report.page.plot import Plot
from perf.report.page.scales import Linear
from perf.report.page.tables import PageTable, data_table
from perf.report.result import ScenarioResult

_CPU_TOP, _CPU_BOTTOM = 6, 96
_MEMORY_TOP, _MEMORY_BOTTOM = 118, 172
_HEIGHT = _MEMORY_BOTTOM + 24
_COLOURS = 7  # classes of style.css
_MARKED = (0.0, 100.0)  # per cent of all usable cores
_CAPTION = "CPU of all usable cores, stacked; below it, memory as it was last read."


def usage_plot(result: ScenarioResult) -> Plot | None:
    """Return the plot, or None where nothing was read."""
    spans = timed(result)
    if not spans:
        return None
    parts = timed_parts(spans)
    scale = Linear(0.0, sum(one.duration_s for one in spans))
    kind = result.usage.memory_kind
    most_bytes = max((one.memory_bytes.get(kind, 0) for one in spans), default=0)
    field = svg.stretched(
        _HEIGHT,
        svg.path("launch", _shades(spans, scale)),
        *_areas(spans, parts, scale, result.usable_cores),
        svg.path("grid", (f"M0 {y}H100" for y in (_CPU_TOP, _CPU_BOTTOM, _MEMORY_BOTTOM))),
        svg.path("curve", _memory(spans, kind, most_bytes, scale)),
    )
    label = f"CPU and memory of {formatting.one_line(result.name)}"
    drawn = (field, *_labels(scale, most_bytes, kind))
    return Plot(
        heading="CPU and memory over time",
        caption=_CAPTION,
        keys=_keys(parts),
        drawing=svg.drawing(label, _HEIGHT, *drawn),
        data=_data(label, spans, parts, result),
    )


def _keys(parts: Sequence[str]) -> list[tuple[str, str]]:
    named = [
        (f"part-{place % _COLOURS}", f"CPU of {formatting.one_line(part)}")
        for place, part in enumerate(parts)
    ]
    return [*named, ("key-ours", "memory"), ("key-launch", "blocks")]


def _cpu_y(percent: float) -> float:
    """Return the height of a share of the CPU, in pixels from the top."""
    return _CPU_BOTTOM - (_CPU_BOTTOM - _CPU_TOP) * percent / 100.0


def _ends(spans: Sequence[Span]) -> list[float]:
    """Return the seconds at which each span ends, from the first one's beginning."""
    return list(itertools.accumulate(one.duration_s for one in spans))


def _shades(spans: Sequence[Span], scale: Linear) -> Iterator[str]:
    """Yield a column for every other block."""
    start_s = 0.0
    blocks = itertools.groupby(spans, key=lambda one: one.block)
    for place, (_, inside) in enumerate(blocks):
        end_s = start_s + sum(one.duration_s for one in inside)
        if place % 2:
            across = svg.step("M", scale.at(start_s), 0) + svg.step("H", scale.at(end_s))
            yield f"{across}V{_MEMORY_BOTTOM}{svg.step('H', scale.at(start_s))}z"
        start_s = end_s


def _areas(
    spans: Sequence[Span], parts: Sequence[str], scale: Linear, cores: float
) -> Iterator[Markup]:
    """Yield an area for each part, the highest first: each later one hides its foot."""
    ends = [scale.at(end_s) for end_s in _ends(spans)]
    for place in reversed(range(len(parts))):
        levels = []
        for one in spans:
            shares = (cpu_percent(one, part, cores) for part in parts[: place + 1])
            levels.append(round(_cpu_y(min(sum(shares), 100.0))))
        area = [
            f"M0 {_CPU_BOTTOM}",
            *_stairs(levels, ends, _CPU_BOTTOM),
            f"V{_CPU_BOTTOM}z",
        ]
        yield svg.path(f"part-{place % _COLOURS}", area)


def _stairs(levels: Sequence[int], ends: Sequence[float], begun: int) -> Iterator[str]:
    """Yield a level line up to each end, one for all neighbours of the same height.

    The path is at the height `begun`.
    """
    height = begun
    for level, inside in itertools.groupby(
        zip(levels, ends, strict=True), lambda one: one[0]
    ):
        if level != height:
            yield svg.step("V", level)
        *_, (height, end) = inside
        yield svg.step("H", end)


def _memory(
    spans: Sequence[Span], kind: str, most_bytes: int, scale: Linear
) -> Iterator[str]:
    """Yield level lines from the first span whose memory is known."""
    starts = [0.0, *_ends(spans)]
    known = [one.memory_bytes.get(kind) for one in spans]
    first = next((place for place, one in enumerate(known) if one is not None), None)
    if first is None:
        return
    high = _MEMORY_BOTTOM - _MEMORY_TOP
    levels: list[int] = []
    for one in known[first:]:
        y = (
            levels[-1]
            if one is None
            else _MEMORY_BOTTOM - round(high * one / (most_bytes or 1))
        )
        levels.append(y)
    yield svg.step("M", scale.at(starts[first]), levels[0])
    yield from _stairs(levels, [scale.at(one) for one in starts[first + 1 :]], levels[0])


def _labels(scale: Linear, most_bytes: int, kind: str) -> Iterator[Markup]:
    for share in _MARKED:
        yield svg.beside(_cpu_y(share), formatting.percent(share))
    if most_bytes:
        yield svg.text(0.0, _MEMORY_TOP - 6, formatting.memory(most_bytes, kind))
    yield svg.beside(_MEMORY_BOTTOM, "0")
    for value_s in scale.ticks():
        yield svg.text(scale.at(value_s), _MEMORY_BOTTOM + 18, f"{value_s:g} s")


def _data(
    label: str, spans: Sequence[Span], parts: Sequence[str], result: ScenarioResult
) -> PageTable:
    kind, cores = result.usage.memory_kind, result.usable_cores
    blocks = itertools.groupby(spans, key=lambda one: one.block)
    rows = []
    for number, inside in blocks:
        whole = joined(list(inside))
        rows.append(
            [
                str(number + 1),
                formatting.seconds(whole.duration_s),
                *(formatting.percent(cpu_percent(whole, part, cores)) for part in parts),
                formatting.memory(whole.memory_bytes.get(kind), kind),
            ]
        )
    named = [f"CPU of {formatting.one_line(part)}" for part in parts]
    return data_table(f"Data: {label}", ["block", "length", *named, "peak memory"], rows)
