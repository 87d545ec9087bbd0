"""How near each scenario comes to what the machine can do: a table, a note, a schema."""

from __future__ import annotations

from collections.abc import Sequence

from perf.report import formatting
from perf.report.derived import throughput_rps
from perf.report.fields import AMOUNT, TEXT, Schema, described
from perf.report.rendering import Align, Table
from perf.report.result import Limits, ScenarioResult

NOTE = (
    "limits: images a second of the model alone, without server, decoding and jobs, in the "
    "scenario's own layout (processes x threads, batch) and in the fastest one tried; "
    "share: throughput over the fastest; latency: mean of an image; queue: the part of it "
    "spent waiting for a batch and a worker; the other columns: milliseconds of one core "
    "for an image; with idle they add up to the time of all cores"
)
SCHEMA: Schema = {
    "description": "What the model alone can do; null where --perf-limits was not given.",
    "type": ["object", "null"],
    "required": ["own", "layouts_rps", "core_ms", "latency_ms", "queue_ms"],
    "properties": {
        "own": described("The scenario's own layout, a key of layouts_rps.", TEXT),
        "layouts_rps": {
            "description": "Images a second of the model alone, by layout.",
            "type": "object",
            "additionalProperties": AMOUNT,
        },
        "core_ms": {
            "description": "Milliseconds of one core for an image, by part; with "
            "idle they add up to the time of all cores.",
            "type": "object",
            "additionalProperties": {"type": ["number", "null"]},
        },
        "latency_ms": described("The mean latency of an image.", AMOUNT),
        "queue_ms": {
            "description": "The part of latency_ms that the image waited; a difference, so "
            "it can be below 0.",
            "type": ["number", "null"],
        },
    },
}
_COLUMNS: tuple[tuple[str, Align], ...] = (
    ("scenario", "left"),
    ("throughput", "right"),
    ("own\nlayout", "left"),
    ("model\nalone", "right"),
    ("fastest\nlayout", "left"),
    ("model\nalone", "right"),
    ("share", "right"),
    ("latency", "right"),
    ("queue", "right"),
)


def limits_table(results: Sequence[ScenarioResult]) -> Table | None:
    """Return one row for each scenario with limits, or None where no scenario has any."""
    known = [(result, result.limits) for result in results if result.limits]
    if not known:
        return None
    parts = list(dict.fromkeys(part for _, limits in known for part in limits.core_ms))
    columns = [*_COLUMNS, *((formatting.one_line(part), "right") for part in parts)]
    return Table(
        headings=[heading for heading, _ in columns],
        alignment=[align for _, align in columns],
        rows=[_row(result, limits, parts) for result, limits in known],
    )


def _row(result: ScenarioResult, limits: Limits, parts: Sequence[str]) -> list[str]:
    fastest = max(limits.layouts_rps, key=limits.layouts_rps.__getitem__)
    fastest_rps = limits.layouts_rps[fastest]
    served_rps = throughput_rps(result)
    return [
        formatting.one_line(result.name),
        formatting.rate(served_rps),
        formatting.one_line(limits.own),
        formatting.rate(limits.layouts_rps[limits.own]),
        formatting.one_line(fastest),
        formatting.rate(fastest_rps),
        formatting.share(served_rps / fastest_rps if served_rps and fastest_rps else None),
        formatting.milliseconds(limits.latency_ms),
        formatting.milliseconds(limits.queue_ms),
        *(formatting.milliseconds(limits.core_ms.get(part), 1) for part in parts),
    ]
