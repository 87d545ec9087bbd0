"""A sweep: which settings of a row to try. One `[sweep.NAME]` table is one sweep."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from perf.config.scenario import Scenario

Objective = Literal["throughput", "capacity", "p99", "memory"]
Value = str | int | float


# What is no setting of the server or its jobs, or would change what is compared.
NOT_SWEPT = {"name", "family", "profiles", "arm", "work"}
NOT_SWEPT |= {"arrivals", "rate_rps", "slo_ms", "slo_share"}
NOT_SWEPT |= {f"{what}tolerance" for what in ("", "against_", "memory_", "cpu_", "p99_")}


class Sweep(BaseModel):
    """One sweep of the table.

    Raises pydantic.ValidationError where a value is missing, unknown or out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    base: str
    """The row whose other settings hold: today's settings."""

    objectives: tuple[Objective, ...] = Field(default=("throughput", "p99"), min_length=1)
    """What is to be good; the first decides which point wins."""

    rounds: PositiveInt = 4
    """How many launches each point has at most."""

    blocks: PositiveInt = 2
    """How many blocks a launch has."""

    space: Mapping[str, tuple[Value, ...]]
    """The values to try of each field of the row; all combinations are the points."""

    @model_validator(mode="after")
    def _space_is_not_empty(self) -> Sweep:
        empty = [name for name, values in self.space.items() if not values]
        if empty or not self.space:
            where = f"space.{empty[0]}" if empty else "space"
            raise ValueError(f"{where}: there is no value to try")
        if self.rounds * self.blocks < 2:  # noqa: PLR2004 -- a spread needs two
            raise ValueError("rounds, blocks: a point needs two blocks at least")
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives: one is named twice")
        return self


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of settings."""

    changes: Mapping[str, Value]
    """What differs from the base row; empty for today's settings."""

    row: Scenario

    @property
    def key(self) -> str:
        """The settings as text, such as "workers 2, batch_size 8"."""
        said = ", ".join(f"{name} {value}" for name, value in self.changes.items())
        return said or "today's row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The points of a sweep."""

    name: str
    sweep: Sweep

    today: Point
    """The base row as it stands."""

    points: tuple[Point, ...]
    """Those that can be measured; today's settings may be one of them."""

    infeasible: Mapping[str, str]
    """Why each other point cannot be, by its key."""

    def is_today(self, point: Point) -> bool:
        """Return whether a point has today's settings, all of them."""
        return point.row.flat() == self.today.row.flat()


def plan(
    name: str, sweep: Sweep, base: Scenario, refusal: Callable[[Scenario], str]
) -> Plan:
    """Return the points of a sweep; `refusal` says why a row cannot be measured here.

    Raises ValueError where the space names an unknown field, an objective does not fit the
    base row, or no point is feasible.
    """
    _check(name, sweep, base)
    points, infeasible = [], {}
    for values in itertools.product(*sweep.space.values()):
        changes = dict(zip(sweep.space, values, strict=True))
        point, why = _point(base, changes, refusal)
        if point is None:
            infeasible[Point(changes, base).key] = why
        else:
            points.append(point)
    if not points:
        first = next(iter(infeasible))
        raise ValueError(
            f"sweep.{name}: none of its {len(infeasible)} points can be measured; the "
            f"first, {first}: {infeasible[first]}"
        )
    return Plan(
        name=name,
        sweep=sweep,
        today=Point({}, base),
        points=tuple(points),
        infeasible=infeasible,
    )


def row_to_paste(row: Scenario, name: str) -> str:
    """Return a `[[scenario]]` for the table: its name, and all that is not a default."""
    least: dict[str, object] = {
        "name": row.name,
        "arm": row.arm,
        "tolerance": row.tolerance,
    }
    if row.workers is not None:
        least["workers"] = row.workers
    defaults = Scenario.model_validate(least).flat()
    values = {
        key: value
        for key, value in row.flat().items()
        if key in least or value != defaults[key]
    }
    # JSON's texts, numbers and lists are TOML's too.
    lines = [
        f"{key} = {json.dumps(value)}" for key, value in {**values, "name": name}.items()
    ]
    return "\n".join(["[[scenario]]", *lines])


def _check(name: str, sweep: Sweep, base: Scenario) -> None:
    known = sorted(set(base.flat()) - NOT_SWEPT)
    for field in sweep.space:
        if field not in known:
            raise ValueError(
                f"sweep.{name}.space.{field}: a row has no such field; known: "
                f"{', '.join(known)}"
            )
    if base.rate_rps is not None:
        raise ValueError(
            f"sweep.{name}.base: {base.name} has a fixed rate, so no point can be faster"
        )
    speed = "capacity" if base.seeks_capacity else "throughput"
    other = {"capacity", "throughput"} - {speed}
    if other & set(sweep.objectives):
        raise ValueError(
            f"sweep.{name}.objectives: {other.pop()} is not measured of {base.name}; its "
            f"figure is {speed}"
        )
    if base.seeks_capacity and "p99" in sweep.objectives:
        raise ValueError(
            f"sweep.{name}.objectives: p99 is not measured of {base.name}, which tries "
            "many rates"
        )


def _point(
    base: Scenario, changes: Mapping[str, Any], refusal: Callable[[Scenario], str]
) -> tuple[Point | None, str]:
    """Return the point, or why there is none."""
    try:
        row = base.changed(changes)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        return None, fault["msg"].removeprefix("Value error, ")
    why = refusal(row)
    return (None, why) if why else (Point(changes, row), "")
