"""The report as a page, for reports/summary.md and the page of a CI job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perf.report import digest, formatting, repeating
from perf.report.advice import advice
from perf.report.figures.base import Section
from perf.report.more_tables import more_tables
from perf.report.notes import notes
from perf.report.rendering import Table, escape, preformatted
from perf.report.run import RunResults
from perf.report.sections import header_line, table_of


class Markdown:
    """GitHub's Markdown."""

    file_name = "summary.md"

    def render(self, run: RunResults) -> str:
        """Return the page, with a newline at its end.

        What a reader needs first is at its head; the rest is folded.
        """
        results, header = run.scenarios, run.header
        lines = [
            "## Inference serving performance",
            "",
            digest.title(results, run.planned),
            "",
            *digest.changed_rows(results),
            *digest.plot(results),
            *_repeat(run),
            *_advice(run),
            escape(header_line(header)),
            "",
            *_folded("All figures", list(_figures(run))),
            *_facts("Machine", header.machine),
            *_facts("Versions", header.versions),
        ]
        return "\n".join(lines)


def _repeat(run: RunResults) -> list[str]:
    """Return how to repeat the first scenario that changed; empty where none did."""
    found = digest.changed(run.scenarios)
    if not found:
        return []
    command = formatting.one_line(repeating.again(found[0], run.header))
    return ["To repeat the first one alone:", "", *preformatted(command), ""]


def _advice(run: RunResults) -> list[str]:
    """Return whether to centralise, where that was measured well enough."""
    said = advice(run.scenarios, run.missing)
    return ["### Advice", "", *(f"- {escape(line)}" for line in said), ""] if said else []


def _figures(run: RunResults) -> Iterator[str]:
    """Yield the lines of the tables and of the notes that explain them."""
    if run.scenarios:
        for section in Section:
            text = table_of(section, run.scenarios).as_markdown()
            yield from (f"### {section.value}", "", text, "")
    yield from (f"- {escape(note)}" for note in notes(run))
    yield ""
    for heading, table, note in more_tables(run.scenarios):
        yield from (f"### {heading}", "", table.as_markdown(), "", f"- {escape(note)}", "")


def _facts(title: str, facts: Mapping[str, str]) -> list[str]:
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
    return _folded(title, [table.as_markdown(), ""])


def _folded(title: str, lines: list[str]) -> list[str]:
    # GitHub reads Markdown inside HTML only after a blank line.
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "</details>", ""]
