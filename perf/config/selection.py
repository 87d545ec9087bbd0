"""Which rows of the table a run measures."""

from __future__ import annotations

from collections.abc import Sequence

from perf.config.scenario import Scenario
from perf.config.table import Table
from serving.errors import ConfigError


def select_rows(
    table: Table,
    *,
    families: Sequence[str],
    names: Sequence[str],
    profile: str,
    cores: int,
) -> tuple[tuple[Scenario, ...], tuple[Scenario, ...]]:
    """Return the rows to measure, and the rows of `families` that are left out here.

    With `names` these rows are measured and no others. Raises ConfigError where a family
    or a row does not exist, or where `profile` does not measure a named row on `cores`
    cores.
    """
    asked = [table.find(name) for name in dict.fromkeys(names)]
    rows = _of_families(table, families)
    if asked:
        for row in asked:
            if not row.measured_in(profile, cores):
                others = [name for name in table.profile if row.measured_in(name, cores)]
                raise ConfigError(
                    f"--perf-scenario {row.name}: profile {profile} does not measure it "
                    f"on {cores} cores; "
                    + (
                        f"--perf-profile {' or '.join(others)} does"
                        if others
                        else "no profile does"
                    )
                )
        return tuple(asked), ()
    here = tuple(row for row in rows if row.measured_in(profile, cores))
    return here, tuple(row for row in rows if row not in here)


def _of_families(table: Table, names: Sequence[str]) -> list[Scenario]:
    known = dict.fromkeys(row.family for row in table.scenario)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--perf-family {name}: no such family; known: {', '.join(known)}"
            )
    return [row for row in table.scenario if row.family in names]
