"""Figures of the machine: CPU, memory, what else it did, and what it could do."""

from __future__ import annotations

from typing import Any

from perf.report import derived, formatting, limits, open_loop
from perf.report.fields import AMOUNT, BYTES, COUNT, described
from perf.report.figures.base import Figure, Section
from perf.report.result import ScenarioResult

DESCRIPTIONS = {"cpu_percent": "Of all usable cores together, 0 to 100."}


def _memory(result: ScenarioResult) -> dict[str, Any]:
    """Return the peak, and once more as PSS only where it is PSS.

    RSS counts shared pages once for each process, and a cgroup counts page cache, so
    neither may be compared with PSS.
    """
    peak, kind = result.usage.peak_memory_bytes, result.usage.memory_kind
    pss = peak if kind == "pss" else None
    return {"peak_pss": pss, "peak_bytes": peak, "kind": kind}


FIGURES: tuple[Figure[Any], ...] = (
    Figure(
        path="cpu_percent.mean",
        value=lambda result: result.usage.cpu_percent_mean,
        schema=AMOUNT,
        sections=(Section.USAGE,),
        heading="CPU\nmean",
        show=formatting.percent,
    ),
    Figure(
        path="cpu_percent.max",
        value=lambda result: result.usage.cpu_percent_max,
        schema=AMOUNT,
        sections=(Section.USAGE,),
        heading="CPU\nmax",
        show=formatting.percent,
    ),
    Figure(
        path="harness_cpu_percent",
        value=derived.harness_cpu_percent,
        schema=described("The harness's part of the mean CPU, 0 to 100.", AMOUNT),
        sections=(Section.USAGE,),
        heading="CPU of\nharness",
        show=lambda value: formatting.percent(value, 1),
    ),
    Figure(
        path="memory_bytes",
        value=_memory,
        schema={
            "description": "The highest sum over the experiment's processes.",
            "type": "object",
            "required": ["peak_pss", "peak_bytes", "kind"],
            "properties": {
                "peak_pss": described("The peak where it is PSS, else null.", BYTES),
                "peak_bytes": described("The peak, of whatever kind.", BYTES),
                "kind": {
                    "description": "rss counts shared pages once for each process; "
                    "cgroup counts page cache too.",
                    "enum": ["pss", "rss", "cgroup"],
                },
            },
            "if": {"properties": {"kind": {"const": "pss"}}},
            "else": {"properties": {"peak_pss": {"type": "null"}}},
        },
        sections=(Section.USAGE,),
        heading="peak\nmemory",
        show=lambda memory: formatting.memory(memory["peak_bytes"], memory["kind"]),
    ),
    Figure(
        path="timeline",
        value=derived.timeline,
        schema={
            "description": "CPU and memory over the time of the scenario's own blocks, "
            "those of replaced pairs among them: lists with one value for each span.",
            "type": "object",
            "required": ["block", "duration_s", "cpu_percent", "memory_bytes"],
            "properties": {
                "block": {
                    "description": "The block that the span is part of, from 1.",
                    "type": "array",
                    "items": COUNT,
                },
                "duration_s": {"type": "array", "items": AMOUNT},
                "cpu_percent": {
                    "description": "Of all usable cores, 0 to 100, by part.",
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": AMOUNT},
                },
                "memory_bytes": {
                    "description": "The highest in the span, of the kind that "
                    "memory_bytes.kind of the scenario names; null where none was read. "
                    "It is read mostly near its peak, so a fall may not show.",
                    "type": "array",
                    "items": BYTES,
                },
            },
        },
        required=False,
    ),
    Figure(
        path="core_ms",
        value=derived.core_ms,
        schema={
            "description": "Milliseconds of one core for an image, by part; with "
            "idle they add up to the time of all cores.",
            "type": "object",
            "additionalProperties": {"type": ["number", "null"]},
        },
        required=False,
    ),
    Figure(
        path="agreement",
        value=lambda result: result.agreement,
        schema=described(
            "The share of images for which the engine predicts the checkpoint's class; "
            "null where the checkpoint itself computes.",
            AMOUNT,
        ),
        sections=(Section.USAGE,),
        heading="agreement",
        show=formatting.share,
        shown=lambda results: any(r.agreement is not None for r in results),
    ),
    Figure(
        path="conditions",
        value=lambda result: result.conditions,
        schema={
            "description": "What the machine did during the blocks of each arm, in per "
            "cent of all usable cores.",
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "busiest": {
                        "description": "The other processes that used most.",
                        "type": "object",
                        "additionalProperties": {"type": ["number", "null"]},
                    },
                },
                "additionalProperties": {"type": ["number", "null"]},
            },
        },
        required=False,
    ),
    Figure(
        path="pace_cpu_percent",
        value=lambda result: result.pace_cpu_percent,
        schema=described("The CPU that measuring the pace took, of each core.", AMOUNT),
        required=False,
    ),
    Figure(path="limits", value=lambda result: result.limits, schema=limits.SCHEMA),
    Figure(
        path="capacity",
        value=lambda result: result.capacity,
        schema=open_loop.CAPACITY_SCHEMA,
        required=False,
    ),
    Figure(
        path="offered",
        value=lambda result: result.offered,
        schema=open_loop.OFFERED_SCHEMA,
        required=False,
    ),
)
