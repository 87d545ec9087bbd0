"""Reads a page of HTML as a test needs it: its elements, its tables and its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements that have no end tag.
_VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source"}
_NOT_READ = "unseen why"
# What ends without a tag of its own: before the start of some tags, or with its parent.
_CELLS = {"td", "th"}
_ROWS = _CELLS | {"tr"}
_ALL_ROWS = _ROWS | {"tbody", "thead"}
_ENDED_BY = {"td": _CELLS, "th": _CELLS, "tr": _ROWS, "tbody": _ALL_ROWS, "li": {"li"}}
_ENDED_WITH = {"table": _ALL_ROWS, "ul": {"li"}, "ol": {"li"}}


@dataclass(slots=True)
class Element:
    """One element, with the text inside it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    read: str = ""
    """The text without what is only for some readers, and without what explains it."""


@dataclass(slots=True)
class Reading:
    """What was found on a page, in its order."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)

    def of(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements of a tag that have these attributes."""
        return [
            one
            for one in self.elements
            if one.tag == tag and attributes.items() <= one.attributes.items()
        ]

    def only(self, tag: str, **attributes: str) -> Element:
        """Return the only such element."""
        (found,) = self.of(tag, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.reading = Reading()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if len(attributes) < len(attrs):
            self.reading.faults.append(f"<{tag}> has an attribute twice")
        self._end(_ENDED_BY.get(tag, set()))
        element = Element(tag, attributes)
        self.reading.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)
        if tag == "table":
            self.reading.tables.append([])
        elif tag == "tr":
            self.reading.tables[-1].append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        self._end(_ENDED_WITH.get(tag, set()))
        if not self.open or self.open[-1].tag != tag:
            self.reading.faults.append(f"</{tag}> ends nothing")
            return
        self._close()

    def _end(self, tags: set[str]) -> None:
        """End the innermost elements, as long as they have one of these tags."""
        while self.open and self.open[-1].tag in tags:
            self._close()

    def _close(self) -> None:
        element = self.open.pop()
        if element.tag in _CELLS:
            self.reading.tables[-1][-1].append(element.read.strip())

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        for element in reversed(self.open):
            if _is_aside(element):
                break
            element.read += data


def _is_aside(element: Element) -> bool:
    hidden = element.attributes.get("aria-hidden") == "true"
    return hidden or element.attributes.get("class") in _NOT_READ.split()


def read_html(text: str) -> Reading:
    """Return what is on the page, with each fault of its structure."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.reading.faults += [f"<{one.tag}> has no end" for one in reader.open]
    return reader.reading
