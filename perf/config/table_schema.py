"""The JSON Schema of the table, by which editors complete it. Run this module to write it.

    python -m perf.config.table_schema

writes perf/scenarios.schema.json. The first line of perf/scenarios.toml names that file, as
editors with the language server Taplo expect it (VS Code's "Even Better TOML" has it).

It is of draft 7, the newest that they know. It cannot say how fields depend on each other,
such as that a served row needs workers: the suite itself says that when it reads the table.
"""

from __future__ import annotations

import json
from typing import Any

from perf.config.arm_kinds import ARM_KINDS
from perf.config.sweep import NOT_SWEPT
from perf.config.table import TABLE, Table
from perf.load.arrivals.registry import ARRIVALS
from serving.backends.registry import BACKENDS
from serving.engines import ENGINES
from serving.work import WORKS

PATH = TABLE.with_name("scenarios.schema.json")
_DEFINITIONS = "definitions"
_KNOWN = {"arm": ARM_KINDS, "backend": BACKENDS, "engine": ENGINES, "work": WORKS}
"""The names that a field of a row can have."""


def schema() -> dict[str, Any]:
    """Return the schema of perf/scenarios.toml (JSON Schema, draft 7)."""
    made = Table.model_json_schema(ref_template=f"#/{_DEFINITIONS}/{{model}}")
    parts = made.pop("$defs")
    row = parts["Scenario"]["properties"]
    # The table has the server's settings in the row itself.
    del row["server"]
    row |= parts.pop("ServerSettings")["properties"]
    for name, known in _KNOWN.items():
        row[name]["enum"] = list(known)
    names = "|".join(ARRIVALS)
    row["arrivals"] |= {"pattern": f"^({names})(:.+)?$", "examples": list(ARRIVALS)}
    space = parts["Sweep"]["properties"]["space"]
    space["propertyNames"] = {"enum": sorted(row.keys() - NOT_SWEPT)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_untitled(made),
        "title": "The table of scenarios, sweeps and profiles",
        _DEFINITIONS: {name: _untitled(part) for name, part in parts.items()},
    }


def as_written() -> str:
    """Return what scenarios.schema.json should hold."""
    return json.dumps(schema(), indent=2) + "\n"


def _untitled(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part without the titles, which repeat names.

    Of what its class says, the first sentence is for a reader of the table.
    """
    fields = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in part["properties"].items()
    }
    return {
        **{key: value for key, value in part.items() if key != "title"},
        "description": part["description"].partition("\n\n")[0],
        "properties": fields,
    }


if __name__ == "__main__":
    PATH.write_text(as_written(), encoding="utf-8")
