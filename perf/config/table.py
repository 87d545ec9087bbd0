"""The table of scenarios and profiles: reads perf/scenarios.toml and checks it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from perf.config.profile import Profile
from perf.config.scenario import Scenario
from perf.config.sweep import Plan, Sweep, plan
from serving.errors import ConfigError

TABLE = Path(__file__).parents[1] / "scenarios.toml"
REFERENCE_ROW = "decentralized"
"""The name of the row that every scenario is compared with."""


class Table(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    scenario: tuple[Scenario, ...]
    """The rows, in the order of the reports."""

    profile: Mapping[str, Profile]
    """The profiles by their names."""

    sweep: Mapping[str, Sweep] = {}
    """The sweeps by their names."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [row.name for row in self.scenario]
        if len(set(names)) != len(names):
            raise ValueError("two scenarios have the same name")
        if REFERENCE_ROW not in names:
            raise ValueError(f"there is no row {REFERENCE_ROW}, the reference")
        return self

    @model_validator(mode="after")
    def _profiles_exist(self) -> Self:
        for row in self.scenario:
            for name in row.profiles or ():
                if name not in self.profile:
                    raise ValueError(
                        f"row {row.name}: profiles: there is no profile {name}"
                    )
        return self

    @model_validator(mode="after")
    def _bases_exist(self) -> Self:
        names = {row.name for row in self.scenario}
        for name, sweep in self.sweep.items():
            if sweep.base not in names:
                raise ValueError(f"sweep {name}: base: there is no row {sweep.base}")
        return self

    @classmethod
    def read(cls, path: Path = TABLE) -> Table:
        """Return the table in `path`. Raises ConfigError with the first fault in it."""
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML ({error})") from None
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise ConfigError(f"{path}: {first_fault(error, raw)}") from None

    def find(self, name: str) -> Scenario:
        """Return the row called `name`. Raises ConfigError where there is none."""
        for row in self.scenario:
            if row.name == name:
                return row
        known = ", ".join(row.name for row in self.scenario)
        raise ConfigError(f"--perf-scenario {name}: no such scenario; known: {known}")

    def plan(self, name: str, refusal: Callable[[Scenario], str]) -> Plan:
        """Return the points of the sweep `name`.

        `refusal` says why a row cannot be measured here, or nothing. Raises ConfigError
        where there is no such sweep, or it makes no sense.
        """
        if name not in self.sweep:
            known = ", ".join(self.sweep) or "none"
            raise ConfigError(f"--perf-sweep {name}: no such sweep; known: {known}")
        sweep = self.sweep[name]
        try:
            return plan(name, sweep, self.find(sweep.base), refusal)
        except ValueError as error:
            raise ConfigError(f"--perf-sweep {name}: {error}") from None


def first_fault(error: ValidationError, raw: Mapping[str, Any] | None = None) -> str:
    """Return one line for the first fault: where it is, what it is, what was found.

    `raw` is the table as it was read, where the error is one of the whole table.
    """
    fault = error.errors(include_url=False)[0]
    # The table has the server's settings in the row itself.
    parts = [part for part in fault["loc"] if part != "server"]
    where = ".".join(map(str, parts))
    if raw is not None and parts[:1] == ["scenario"] and len(parts) > 1:
        place = int(parts[1])
        row = raw["scenario"][place]
        name = row.get("name") if isinstance(row, dict) else None
        called = f"row {name}" if isinstance(name, str) else f"row number {place + 1}"
        where = ".".join([called, *map(str, parts[2:])])
    what = fault["msg"].removeprefix("Value error, ")
    found = fault["input"]
    if not isinstance(found, dict | list):  # a whole row would not fit the line
        what += f" (got {found!r})"
    return f"{where}: {what}" if where else what
