"""Who wrote a comment or an issue."""

from __future__ import annotations

from pydantic import BaseModel

BOT = "github-actions[bot]"
"""The account of every workflow. Others may quote what it wrote."""


class User(BaseModel):
    """An account, as far as it is needed here."""

    login: str


def is_bot(user: User | None) -> bool:
    """Return whether a workflow wrote it; a deleted account is None."""
    return user is not None and user.login == BOT
