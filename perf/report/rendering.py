"""A table as text, for a terminal or for Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tabulate import tabulate

from perf.report import formatting

Align = Literal["left", "right"]

_MARKDOWN = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\\": "&#92;",  # an escaped backslash before a pipe would split the cell
        "|": "\\|",
        "`": "\\`",
        "*": "\\*",
        "_": "\\_",
        "~": "\\~",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Headings, which may have two lines, and rows of cells, which have one."""

    headings: Sequence[str]
    alignment: Sequence[Align]
    rows: Sequence[Sequence[str]]

    def as_text(self) -> str:
        """Return the table for a terminal."""
        return self._render("simple", self.headings, self.rows)

    def as_markdown(self) -> str:
        """Return the table in GitHub's Markdown, every heading on one line."""
        headings = [heading.replace("\n", " ") for heading in self.headings]
        rows = [[escape(cell) for cell in row] for row in self.rows]
        return self._render("pipe", headings, rows)

    def _render(
        self, form: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> str:
        # Without `disable_numparse` tabulate would read a name such as 1e3 as a number.
        return tabulate(
            rows,
            headers=headings,
            tablefmt=form,
            disable_numparse=True,
            colalign=tuple(self.alignment) if rows else None,
        )


def escape(text: str) -> str:
    """Return `text` so that GitHub's Markdown shows it as it is."""
    return text.translate(_MARKDOWN)


def code(text: str) -> str:
    """Return `text` as code on one line, also in a cell of a table.

    GitHub makes no link, no mention and no markup of code. What would end it is replaced.
    """
    shown = formatting.one_line(text).replace("`", "'").replace("|", "¦")
    return f"`{shown or formatting.UNKNOWN}`"


def preformatted(text: str) -> list[str]:
    """Return the lines of a block of Markdown that shows `text` as it is."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return [f"{fence}text", *text.split("\n"), fence]
