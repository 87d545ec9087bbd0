"""Every link from one page of the project to another leads somewhere."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import pages
from tests.support.suite import ROOT

_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_ELSEWHERE = ("http://", "https://", "mailto:")


def prose(text: str) -> str:
    """Return a page's text without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the targets of a page's links to other pages of the project."""
    found = _LINK.findall(prose(text))
    return [target for target in found if not target.startswith(_ELSEWHERE)]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: those that GitHub makes of its headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        kept = [c for c in plain if c in "-_ " or unicodedata.category(c)[0] in "LN"]
        anchor = first = "".join(kept).replace(" ", "-")
        number = 0
        while anchor in found:
            number += 1
            anchor = f"{first}-{number}"
        found.add(anchor)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and an anchor that the file has."""
    for link in links(page.read_text("utf-8")):
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_every_page_of_docs_is_found_from_the_readme() -> None:
    """A reader who starts at the README can reach each page of docs/."""
    reached: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        names = [link.partition("#")[0] for link in links(page.read_text("utf-8"))]
        todo += [(page.parent / unquote(name)).resolve() for name in names if name]
    assert set((ROOT / "docs").rglob("*.md")) <= reached


def test_anchors_are_githubs() -> None:
    """Headings become anchors as GitHub makes them, repeated ones with a number."""
    text = "# A *b*, `c_d`: 5 %\n## Twice\n## Twice\n```sh\n# none\n```\n"
    assert anchors(text) == {"a-b-c_d-5-", "twice", "twice-1"}


def test_links_are_found() -> None:
    """Links of prose are found, also around code; those of code blocks are not."""
    text = "[a](b.md#c) and [`x`\ny](d.md)\n```\n[no](e.md)\n```\n[w](https://example.org)"
    assert links(text) == ["b.md#c", "d.md"]
