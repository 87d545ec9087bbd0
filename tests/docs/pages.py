"""The project's pages, and the commands that they give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.support.suite import ROOT

_NOT_OURS = {"node_modules", "reports", "venv"}


def pages() -> list[Path]:
    """Return every Markdown page of the project, sorted."""
    return sorted(_pages(ROOT))


def _pages(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        hidden = path.name.startswith(".") and path.name != ".github"
        if path.is_dir() and not hidden and path.name not in _NOT_OURS:
            yield from _pages(path)
        elif path.suffix == ".md":
            yield path


def text_of(name: str) -> str:
    """Return the text of the page at `name`, a path from the project's root."""
    return (ROOT / name).read_text("utf-8")


def commands(text: str, start: str) -> list[list[str]]:
    """Return every command of a page that begins so, in code blocks and in tables."""
    blocks = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    tables = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    lines = [part for line in (*blocks, *tables) for part in line.split(" && ")]
    lines = [line.removeprefix("python3 -m ") for line in lines]
    return [shlex.split(line) for line in lines if line.startswith(start)]


def section(text: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def headings(text: str) -> list[str]:
    """Return the column headings of every Markdown table of a page."""
    heads = re.findall(r"^\|(.+)\|\n\|[-| :]+\|$", text, re.MULTILINE)
    return [cell.strip() for head in heads for cell in head.split("|")]
