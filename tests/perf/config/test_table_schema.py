"""The JSON Schema of the table: up to date, and of one mind with the suite itself."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator

from perf.config.scenario import Scenario
from perf.config.table import TABLE, Table
from perf.config.table_schema import PATH, as_written, schema
from serving.spec import ServerSettings

READ: dict[str, Any] = tomllib.loads(TABLE.read_text("utf-8"))


def faults(table: dict[str, Any]) -> list[str]:
    """Return what the schema finds wrong with a table, each fault with its place."""
    return [
        f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}"
        for fault in Draft7Validator(schema()).iter_errors(table)
    ]


def test_the_file_is_up_to_date() -> None:
    """`python -m perf.config.table_schema` would change nothing."""
    assert PATH.read_text("utf-8") == as_written()


def test_the_table_names_it_where_editors_look() -> None:
    """The first line is the directive of Taplo, and the file lies beside the table."""
    first = TABLE.read_text("utf-8").splitlines()[0]
    assert first == f"#:schema ./{PATH.name}"
    assert (TABLE.parent / first.removeprefix("#:schema ")).resolve() == PATH


def test_the_table_keeps_to_it() -> None:
    """The schema is one, and it finds nothing wrong with the table."""
    Draft7Validator.check_schema(schema())
    assert faults(READ) == []


def test_every_field_is_described_and_known() -> None:
    """An editor completes what the table may hold, and shows what each field means."""
    row = schema()["definitions"]["Scenario"]["properties"]
    models = {**Scenario.model_fields, **ServerSettings.model_fields}
    assert row.keys() == models.keys() - {"server"}
    for name, part in schema()["definitions"].items():
        for field, known in part["properties"].items():
            assert known["description"].endswith("."), f"{name}.{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("arm", "serve"),
        ("arrivals", "pareto"),
        ("batch_sise", 8),
        ("batch_size", 0),
        ("workers", "two"),
        ("jobs", "all"),
        ("tolerance", 1.5),
        ("name", "Not A Name"),
        ("server", {"batch_size": 8}),
    ],
)
def test_what_the_suite_refuses_an_editor_shows(field: str, value: object) -> None:
    """A wrong value or an unknown field is a fault at its place, for both."""
    table = copy.deepcopy(READ)
    number = next(n for n, row in enumerate(table["scenario"]) if "workers" in row)
    table["scenario"][number][field] = value
    with pytest.raises(ValueError, match=field):
        Table.model_validate(table)
    (fault,) = faults(table)
    assert fault.startswith(f"scenario.{number}")
    assert field in fault


@pytest.mark.parametrize("field", ["backend", "engine", "work"])
def test_names_that_a_run_would_refuse_are_shown(field: str) -> None:
    """The suite looks for them when it needs them; an editor does at once."""
    table = copy.deepcopy(READ)
    table["scenario"][0][field] = "other"
    (fault,) = faults(table)
    assert fault.startswith(f"scenario.0.{field}: 'other' is not one of [")


def test_a_sweep_completes_the_fields_that_can_be_swept() -> None:
    """What the suite refuses to sweep is a fault for an editor too."""
    table = copy.deepcopy(READ)
    table["sweep"]["torchserve"]["space"]["tolerance"] = [0.1]
    (fault,) = faults(table)
    assert fault.startswith("sweep.torchserve.space")
