"""The report as it is printed at the end of a run."""

from __future__ import annotations

from perf.report.advice import advice
from perf.report.figures.base import Section
from perf.report.more_tables import more_tables
from perf.report.notes import notes
from perf.report.run import RunResults
from perf.report.sections import header_line, table_of


class Terminal:
    """Plain text."""

    file_name = ""

    def render(self, run: RunResults) -> str:
        """Return the text, without a newline at its end."""
        results = run.scenarios
        parts = [header_line(run.header)]
        if results:
            parts += [table_of(section, results).as_text() for section in Section]
        parts.append("\n".join(notes(run)))
        for _, table, note in more_tables(results):
            parts += [table.as_text(), note]
        if lines := advice(results, run.missing):
            parts.append("\n".join(["advice", *(f"- {line}" for line in lines)]))
        return "\n\n".join(parts)
