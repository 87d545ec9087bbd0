"""What the tables of the page have in common."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate


def pipe(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown, with the cells as they are."""
    return tabulate(rows, headers=heads, tablefmt="pipe", disable_numparse=True)


def blocks(turn_s: float) -> str:
    """Return how the blocks of two trees followed each other."""
    return f"in turns of {turn_s:g} s" if turn_s else "one after the other"
