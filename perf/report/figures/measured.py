"""Figures of what ran, and how fast: throughput, latency, requests, pairs."""

from __future__ import annotations

from typing import Any

from perf.report import derived, formatting
from perf.report.fields import AMOUNT, COUNT, NAME, TEXT, described
from perf.report.figures.base import Figure, Section

DESCRIPTIONS = {
    "latency_ms": "Percentiles over the answered jobs of the scenario's own blocks.",
    "requests": "Jobs of both arms, warm-ups included.",
}

_BLOCK = {
    "type": "object",
    "required": ["rps"],
    "properties": {
        "rps": described("Images a second.", {"type": "number", "exclusiveMinimum": 0}),
        "pace": described("How fast the cores were while it ran.", AMOUNT),
        "cpu_ms": described("CPU milliseconds of an image.", AMOUNT),
        "memory_bytes": described("The highest memory of all processes.", AMOUNT),
        "memory_kind": described("What memory_bytes is: pss or rss.", TEXT),
        "p99_ms": described("The 99th percentile of the latency.", AMOUNT),
        "figure": described("What rps is: throughput, goodput or capacity.", TEXT),
    },
}
_PAIR = {
    "type": "object",
    "required": ["scenario", "reference", "launch"],
    "properties": {
        "scenario": _BLOCK,
        "reference": _BLOCK,
        "launch": {
            "description": "The number of the server's launch, from 0.",
            "type": "integer",
        },
        "yardstick_rps": {
            "description": "Images a second of the model alone, measured before and after "
            "the scenario's block.",
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
        },
    },
}

FIGURES: tuple[Figure[Any], ...] = (
    Figure(
        path="name",
        value=lambda result: result.name,
        schema=NAME,
        sections=(Section.VERDICTS, Section.USAGE),
        heading="scenario",
        align="left",
    ),
    Figure(
        path="spec",
        value=lambda result: result.spec,
        schema={"description": "The scenario's row of the table.", "type": "object"},
    ),
    Figure(
        path="jobs",
        value=lambda result: result.jobs,
        schema=described("How many jobs ran at a time.", COUNT),
        sections=(Section.USAGE,),
        heading="jobs",
    ),
    Figure(
        path="duration_s",
        value=lambda result: result.duration_s,
        schema=described("Seconds inside the scenario's own blocks.", AMOUNT),
        sections=(Section.USAGE,),
        heading="time",
        show=formatting.seconds,
    ),
    Figure(
        path="throughput_rps",
        value=derived.throughput_rps,
        schema=described("Images a second over the scenario's own blocks.", AMOUNT),
        sections=(Section.VERDICTS,),
        heading="throughput",
        show=formatting.rate,
    ),
    Figure(
        path="latency_ms.p50",
        value=lambda result: derived.latency_ms(result).get("p50"),
        schema=AMOUNT,
        sections=(Section.USAGE,),
        heading="latency\np50",
        show=formatting.milliseconds,
    ),
    Figure(
        path="latency_ms.p90",
        value=lambda result: derived.latency_ms(result).get("p90"),
        schema=AMOUNT,
    ),
    Figure(
        path="latency_ms.p95",
        value=lambda result: derived.latency_ms(result).get("p95"),
        schema=AMOUNT,
    ),
    Figure(
        path="latency_ms.p99",
        value=lambda result: derived.latency_ms(result).get("p99"),
        schema=AMOUNT,
        sections=(Section.USAGE,),
        heading="latency\np99",
        show=formatting.milliseconds,
    ),
    Figure(
        path="latency_quantiles_ms",
        value=derived.latency_quantiles_ms,
        schema={
            "description": "101 quantiles of the latency at equal distances, from the "
            "shortest to the longest; empty where no job was answered.",
            "type": "array",
            "items": AMOUNT,
        },
        required=False,
    ),
    Figure(
        path="requests.total",
        value=lambda result: result.requests.total,
        schema=COUNT,
    ),
    Figure(
        path="requests.failed",
        value=lambda result: result.requests.failed,
        schema=described("Other jobs that ended without an answer.", COUNT),
    ),
    Figure(
        path="requests.wrong",
        value=lambda result: result.requests.wrong,
        schema=described("Jobs whose answer was not the expected one.", COUNT),
    ),
    Figure(
        path="requests.missed",
        value=lambda result: result.requests.missed,
        schema=described(
            "Requests at scheduled times without an answer; they count against the server.",
            COUNT,
        ),
        required=False,
    ),
    Figure(
        path="pairs",
        value=lambda result: result.pairs,
        schema={
            "description": "The scenario's blocks, each with a block of the reference, or "
            "of the other tree in a run side by side.",
            "type": "array",
            "items": _PAIR,
        },
    ),
    Figure(
        path="against_pairs",
        value=lambda result: result.against_pairs,
        schema={
            "description": "The pairs that were measured side by side to settle the "
            "verdict.",
            "type": "array",
            "items": _PAIR,
        },
        required=False,
    ),
    Figure(
        path="replaced",
        value=lambda result: result.replaced,
        schema={
            "description": "What disturbed each pair that was measured again.",
            "type": "array",
            "items": TEXT,
        },
        required=False,
    ),
)
