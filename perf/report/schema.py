"""The JSON Schema of summary.json, made of the figures. Run this module to write it.

    python -m perf.report.schema

writes summary.schema.json beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

from perf.report.document import RUN_FIELDS
from perf.report.fields import DEFINITIONS, object_schema
from perf.report.figures import DESCRIPTIONS, FIGURES

PATH = Path(__file__).with_name("summary.schema.json")


def schema() -> dict[str, object]:
    """Return the schema (JSON Schema, draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Summary of one run of the serving performance suite",
        "description": "Rates are in images (or jobs) a second. Null stands for what could "
        "not be read or estimated. New keys may join; the ones here stay as long as "
        "schema_version does.",
        **object_schema(RUN_FIELDS, {}),
        "$defs": {**DEFINITIONS, "scenario": object_schema(FIGURES, DESCRIPTIONS)},
    }


def as_written() -> str:
    """Return what summary.schema.json should hold."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(as_written(), encoding="utf-8")
