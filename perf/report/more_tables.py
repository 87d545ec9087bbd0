"""Tables that only some runs have, each with a title and a note that explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from perf.report import limits, open_loop
from perf.report.rendering import Table
from perf.report.result import ScenarioResult


class MoreTable(NamedTuple):
    """One such table."""

    title: str
    table: Table
    note: str


_ALL: tuple[tuple[str, Callable[[Sequence[ScenarioResult]], Table | None], str], ...] = (
    ("Capacity", open_loop.capacity_table, open_loop.CAPACITY_NOTE),
    ("At a fixed rate", open_loop.offered_table, open_loop.OFFERED_NOTE),
    ("Limits", limits.limits_table, limits.NOTE),
)


def more_tables(results: Sequence[ScenarioResult]) -> Iterator[MoreTable]:
    """Yield the tables that these results need."""
    for title, make, note in _ALL:
        if table := make(results):
            yield MoreTable(title, table, note)
