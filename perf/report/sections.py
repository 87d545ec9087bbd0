"""The table of each section, and the line at the head of the report."""

from __future__ import annotations

from collections.abc import Sequence

from perf.config.header import RunHeader
from perf.report import formatting
from perf.report.figures import FIGURES
from perf.report.figures.base import Section
from perf.report.rendering import Table
from perf.report.result import ScenarioResult


def table_of(section: Section, results: Sequence[ScenarioResult]) -> Table:
    """Return the section's table, with one row for each scenario."""
    columns = [f for f in FIGURES if section in f.sections and f.shown(results)]
    return Table(
        headings=[figure.heading for figure in columns],
        alignment=[figure.align for figure in columns],
        rows=[[figure.cell(result) for figure in columns] for result in results],
    )


def header_line(header: RunHeader) -> str:
    """Return what holds for the whole run, on one line."""
    why = f" ({header.runtime_reason})" if header.runtime_reason else ""
    return formatting.one_line(
        f"profile {header.profile}; model {header.model}; runtime {header.runtime}{why}; "
        f"device {header.device}; "
        f"machine class {header.machine_class}; seed {header.seed}"
    )
