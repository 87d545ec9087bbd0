"""The formats of the report. To add one, write its file here and add a line below."""

from __future__ import annotations

from typing import Protocol

from perf.report.formats.json_file import JsonFile
from perf.report.formats.markdown import Markdown
from perf.report.formats.metrics import Metrics
from perf.report.formats.page import Page
from perf.report.formats.terminal import Terminal
from perf.report.run import RunResults


class Exporter(Protocol):
    """One format of the report."""

    @property
    def file_name(self) -> str:
        """The name in the folder of reports; empty for a format that is not a file."""

    def render(self, run: RunResults) -> str:
        """Return the report of what was measured so far, which may be nothing."""


TERMINAL = Terminal()
MARKDOWN = Markdown()

EXPORTERS: tuple[Exporter, ...] = (
    TERMINAL,
    MARKDOWN,
    JsonFile(),
    Page(),
    Metrics(),
)
"""All formats. Those that are files are written after each scenario."""
