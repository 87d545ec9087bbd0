"""Cells as a table, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate

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


def render(
    headings: Sequence[str],
    cells: Sequence[Sequence[str]],
    form: str,
    alignment: Iterable[str],
) -> str:
    """Return a table in tabulate's `form`; `alignment` is left or right for each column."""
    # Without `disable_numparse` tabulate would read a name such as 1e3 as a number.
    return tabulate(
        cells,
        headers=headings,
        tablefmt=form,
        disable_numparse=True,
        colalign=tuple(alignment) if cells else None,
    )


def escape(text: str) -> str:
    """Return `text` as GitHub's Markdown shows it in a cell."""
    return text.translate(_MARKDOWN)
