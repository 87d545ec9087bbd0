"""The run as one JSON object: what holds for all of it, the harness, the scenarios."""

from __future__ import annotations

from typing import Any

from perf.report.fields import (
    AMOUNT,
    COUNT,
    NAME,
    TEXT,
    TEXTS,
    Field,
    as_object,
    described,
    object_schema,
)
from perf.report.figures import FIGURES
from perf.report.result import HarnessResult
from perf.report.run import RunResults

VERSION = 2

HARNESS_FIELDS: tuple[Field[HarnessResult, Any], ...] = (
    Field(
        path="ceiling_rps",
        value=lambda harness: harness.ceiling_rps,
        schema=described("The most jobs a second.", AMOUNT),
    ),
    Field(
        path="cpu_ms_per_job",
        value=lambda harness: harness.cpu_ms_per_job,
        schema=described(
            "CPU milliseconds of one job, without the null server's own.", AMOUNT
        ),
    ),
    Field(
        path="jobs",
        value=lambda harness: harness.jobs,
        schema=described("How many ran at a time.", COUNT),
    ),
    Field(
        path="open_rps",
        value=lambda harness: harness.open_rps,
        schema=described(
            "The most requests a second of the client that sends at scheduled times; null "
            "where no scenario needs it.",
            AMOUNT,
        ),
        required=False,
    ),
)

RUN_FIELDS: tuple[Field[RunResults, Any], ...] = (
    Field(path="schema_version", value=lambda _: VERSION, schema={"const": VERSION}),
    Field(path="profile", value=lambda run: run.header.profile, schema=NAME),
    Field(
        path="runtime",
        value=lambda run: run.header.runtime,
        schema=described("Where the servers ran: process or docker.", NAME),
    ),
    Field(
        path="runtime_reason",
        value=lambda run: run.header.runtime_reason,
        schema=described("Why there.", TEXT),
    ),
    Field(path="machine_class", value=lambda run: run.header.machine_class, schema=NAME),
    Field(
        path="device",
        value=lambda run: run.header.device,
        schema=described("What computed the model: cpu or cuda.", TEXT),
        required=False,
    ),
    Field(
        path="seed",
        value=lambda run: run.header.seed,
        schema={"description": "Of the order of the blocks.", "type": "integer"},
    ),
    Field(path="model", value=lambda run: run.header.model, schema=TEXT),
    Field(
        path="options",
        value=lambda run: run.header.model_options,
        schema={
            "description": "The options that changed what was measured, to repeat the run: "
            "of the model, the images, the amounts, the arrivals, the servers and the "
            "containers.",
            "type": "array",
            "items": TEXT,
        },
        required=False,
    ),
    Field(
        path="started",
        value=lambda run: run.header.started,
        schema=described("When the run began, in UTC, by ISO 8601.", TEXT),
        required=False,
    ),
    Field(
        path="commit",
        value=lambda run: run.header.commit,
        schema=described(
            "The commit of the suite, followed by `with changes` where its files differ; "
            "empty where it is unknown.",
            TEXT,
        ),
        required=False,
    ),
    Field(
        path="planned",
        value=lambda run: run.planned,
        schema={
            "description": "The scenarios that the run was to measure.",
            "type": "array",
            "items": TEXT,
        },
        required=False,
    ),
    Field(
        path="skipped",
        value=lambda run: run.skipped,
        schema=described("Scenarios that cannot be measured here, and why.", TEXTS),
        required=False,
    ),
    Field(
        path="baseline_required",
        value=lambda run: run.header.baseline_required,
        schema={
            "description": "Whether a scenario without a clear verdict fails the run.",
            "type": "boolean",
        },
        required=False,
    ),
    Field(path="machine", value=lambda run: run.header.machine, schema=TEXTS),
    Field(path="versions", value=lambda run: run.header.versions, schema=TEXTS),
    Field(
        path="harness",
        value=lambda run: run.harness and as_object(HARNESS_FIELDS, run.harness),
        schema={
            **object_schema(HARNESS_FIELDS, {}),
            "description": "What the harness can do with a server that answers at once; "
            "null where this run did not measure it.",
            "type": ["object", "null"],
        },
    ),
    Field(
        path="scenarios",
        value=lambda run: [as_object(FIGURES, result) for result in run.scenarios],
        schema={"type": "array", "items": {"$ref": "#/$defs/scenario"}},
    ),
)


def document(run: RunResults) -> dict[str, object]:
    """Return the run, ready for strict JSON; `perf.report.schema` describes its keys."""
    return as_object(RUN_FIELDS, run)
