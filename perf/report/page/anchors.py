"""The ids of the parts of the page, for links within it."""

from __future__ import annotations


def card_id(number: int) -> str:
    """Return the id of what is told of one scenario; the first has number 1."""
    return f"scenario-{number}"
