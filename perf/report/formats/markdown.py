"""The report as a page, for reports/summary.md and the page of a CI job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from perf.report import formatting
from perf.report.figures.base import Section
from perf.report.more_tables import more_tables
from perf.report.notes import notes
from perf.report.rendering import Table, escape
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.report.sections import header_line, table_of


class Markdown:
    """GitHub's Markdown."""

    file_name = "summary.md"

    def render(self, run: RunResults) -> str:
        """Return the page, with a newline at its end."""
        results, header = run.scenarios, run.header
        lines = [
            "## Inference serving performance",
            "",
            f"**{_tally(results)}.** {escape(header_line(header))}",
            "",
        ]
        if results:
            for section in Section:
                text = table_of(section, results).as_markdown()
                lines += [f"### {section.value}", "", text, ""]
        lines += [*(f"- {escape(note)}" for note in notes(run)), ""]
        for title, table, note in more_tables(results):
            lines += [f"### {title}", "", table.as_markdown(), "", f"- {escape(note)}", ""]
        lines += _folded("Machine", header.machine) + _folded("Versions", header.versions)
        return "\n".join(lines)


def _tally(results: Sequence[ScenarioResult]) -> str:
    counts = Counter(result.judgement.verdict.value for result in results)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or (
        "No scenario was measured"
    )


def _folded(title: str, facts: Mapping[str, str]) -> list[str]:
    if not facts:
        return []
    table = Table(
        headings=[title.lower(), "value"],
        alignment=["left", "left"],
        rows=[
            [formatting.one_line(name), formatting.one_line(value)]
            for name, value in facts.items()
        ],
    )
    text = table.as_markdown()
    # GitHub reads Markdown inside HTML only after a blank line.
    return ["<details>", f"<summary>{title}</summary>", "", text, "", "</details>", ""]
