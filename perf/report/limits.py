"""The second table: how near each scenario comes to the limit, and where the rest goes."""

from __future__ import annotations

from collections.abc import Sequence

from perf.report import formatting
from perf.report.rendering import escape, render
from perf.report.result import Limits, ScenarioResult

NOTE = (
    "limits: images a second of the model alone, without server and preprocessing, in the "
    "scenario's layout (processes x threads) and in the fastest one tried; what of an "
    "image's mean latency it waited for its batch and a worker; then the milliseconds of a "
    "core that it takes, which with idle are all there were"
)
_HEADINGS = (
    "scenario",
    "throughput",
    "layout",
    "alone",
    "fastest layout",
    "alone",
    "share",
    "latency",
    "queue",
)


def limits_table(results: Sequence[ScenarioResult], form: str) -> str:
    """Return the table in tabulate's `form`, or nothing where no limits were measured."""
    known = [(result, result.limits) for result in results if result.limits]
    if not known:
        return ""
    parts = list(dict.fromkeys(part for _, limits in known for part in limits.core_ms))
    cells = [_cells(result, limits, parts) for result, limits in known]
    if form == "pipe":
        cells = [[escape(cell) for cell in row] for row in cells]
    left = [heading in ("scenario", "layout", "fastest layout") for heading in _HEADINGS]
    alignment = ["left" if is_left else "right" for is_left in left]
    return render([*_HEADINGS, *parts], cells, form, [*alignment, *["right"] * len(parts)])


def _cells(result: ScenarioResult, limits: Limits, parts: Sequence[str]) -> list[str]:
    fastest = max(limits.layouts_rps, key=limits.layouts_rps.__getitem__)
    fastest_rps = limits.layouts_rps[fastest]
    return [
        formatting.one_line(result.name),
        formatting.rate(result.throughput_rps),
        limits.own,
        formatting.rate(limits.layouts_rps[limits.own]),
        fastest,
        formatting.rate(fastest_rps),
        formatting.share(result.throughput_rps / fastest_rps if fastest_rps else None),
        formatting.milliseconds(limits.latency_ms),
        formatting.milliseconds(limits.queue_ms),
        *(formatting.milliseconds(limits.core_ms.get(part), 1) for part in parts),
    ]
