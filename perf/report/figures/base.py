"""What a figure is, and the sections of the report in which it can be a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from perf.report import formatting
from perf.report.fields import Field
from perf.report.rendering import Align
from perf.report.result import ScenarioResult

T = TypeVar("T")


class Section(StrEnum):
    """The sections of the report, in order; each has a table of all scenarios."""

    VERDICTS = "Verdicts"
    USAGE = "Latency and resources"


def always(_: Sequence[ScenarioResult]) -> bool:
    """Show a column in every report."""
    return True


def as_text(value: object) -> str:
    """Return a value on one line, or a dash for None."""
    return formatting.UNKNOWN if value is None else formatting.one_line(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Field[ScenarioResult, T], Generic[T]):
    """One figure of a scenario: a key of summary.json, and a column of some sections."""

    sections: tuple[Section, ...] = ()
    """Where it is a column; nowhere, for a figure of summary.json alone."""

    heading: str = ""
    """The heading of the column; two lines keep it narrow, and Markdown joins them."""

    show: Callable[[T], str] = as_text
    """Turns the value into a cell, with its unit."""

    align: Align = "right"

    shown: Callable[[Sequence[ScenarioResult]], bool] = always
    """Whether these results need the column."""

    def cell(self, result: ScenarioResult) -> str:
        """Return what the scenario's row has in this column."""
        return self.show(self.value(result))
