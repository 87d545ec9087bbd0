"""A sweep's points, and what is wrong with a sweep, each in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perf.config.scenario import Scenario
from perf.config.sweep import Sweep, plan
from perf.config.table import Table
from tests.perf.config.test_table import SMALL, fault

BASE = Table.read().find("serving-batch")


def sweep(**fields: Any) -> Sweep:  # noqa: ANN401 -- any field of a sweep
    """Return a sweep of the batch sizes 1 and 8, with other fields."""
    return Sweep.model_validate(
        {"base": BASE.name, "space": {"batch_size": (1, 8)}} | fields
    )


def no_refusal(_: Scenario) -> str:
    """Allow every row."""
    return ""


def test_all_combinations_are_points() -> None:
    """Each changes its fields of the base row and nothing else."""
    space = {"workers": (1, 2), "batch_size": (1, 8)}
    found = plan("try", sweep(space=space), BASE, no_refusal)
    assert [point.key for point in found.points] == [
        "workers 1, batch_size 1",
        "workers 1, batch_size 8",
        "workers 2, batch_size 1",
        "workers 2, batch_size 8",
    ]
    last = found.points[-1].row
    assert (last.workers, last.server.batch_size) == (2, 8)
    assert last == BASE.changed({"workers": 2, "batch_size": 8})
    assert found.today.row == BASE
    assert not found.infeasible


def test_a_point_that_cannot_be_measured_is_dropped_with_its_reason() -> None:
    """Whether the row itself makes no sense, or this machine lacks something."""

    def refuse(row: Scenario) -> str:
        return "no such card" if row.server.batch_size == 8 else ""

    space = {"workers": (0, 1), "batch_size": (1, 8)}
    found = plan("try", sweep(space=space), BASE, refuse)
    assert [point.key for point in found.points] == ["workers 1, batch_size 1"]
    assert found.infeasible["workers 1, batch_size 8"] == "no such card"
    assert "greater than 0" in found.infeasible["workers 0, batch_size 1"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"space": {"wrokers": (1,)}}, "sweep.try.space.wrokers: a row has no such field"),
        ({"space": {"workers": (0, -1)}}, "none of its 2 points can be measured"),
        ({"objectives": ("capacity",)}, "capacity is not measured of serving-batch"),
    ],
    ids=["unknown field", "all infeasible", "objective"],
)
def test_a_sweep_that_makes_no_sense(fields: dict[str, Any], expected: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(ValueError, match="sweep") as caught:
        plan("try", sweep(**fields), BASE, no_refusal)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[sweep.a]\nbase = "nobody"\n[sweep.a.space]\nworkers = [1]\n', "no row nobody"),
        ('[sweep.a]\nbase = "serving-batch"\n[sweep.a.space]\n', "no value to try"),
        (
            '[sweep.a]\nbase = "serving-batch"\n[sweep.a.space]\nworkers = []\n',
            "space.workers: there is no value to try",
        ),
        (
            '[sweep.a]\nbase = "serving-batch"\nobjectives = ["beauty"]\n[sweep.a.space]\n',
            "objectives",
        ),
    ],
    ids=["base", "no field", "no value", "objective"],
)
def test_a_wrong_sweep_in_the_table(tmp_path: Path, text: str, expected: str) -> None:
    """The table is not read, and the message names the place."""
    assert expected in fault(tmp_path, SMALL + text)


def test_the_sweeps_of_the_table_can_be_planned() -> None:
    """Every committed sweep fits its base row."""
    table = Table.read()
    assert table.sweep
    for name, one in table.sweep.items():
        found = table.plan(name, no_refusal)
        assert found.today.row.name == one.base
        assert len(found.points) >= 2
        assert not found.infeasible
