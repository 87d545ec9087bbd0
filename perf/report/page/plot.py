"""A plot of one scenario as the templates show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from perf.report.page.tables import PageTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing, what it shows in words, and its data."""

    heading: str
    caption: str
    drawing: Markup
    data: PageTable

    keys: Sequence[tuple[str, str]] = ()
    """What each kind of mark means: a class of style.css, and words."""

    is_key: bool = False
    """Whether the data are the key to the drawing, so that they are never folded."""
