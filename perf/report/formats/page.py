"""The report as one page of HTML, for readers."""

from __future__ import annotations

from perf.report.page.rendering import render
from perf.report.run import RunResults


class Page:
    """A page that needs no other file and asks for none; readable without scripts."""

    file_name = "index.html"

    def render(self, run: RunResults) -> str:
        """Return the page, with a newline at its end."""
        return render(run)
