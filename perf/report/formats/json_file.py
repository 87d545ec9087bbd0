"""The report as data, for programs."""

from __future__ import annotations

import json

from perf.report.document import document
from perf.report.run import RunResults


class JsonFile:
    """Strict JSON that keeps to perf/report/summary.schema.json."""

    file_name = "summary.json"

    def render(self, run: RunResults) -> str:
        """Return the JSON, with a newline at its end."""
        return json.dumps(document(run), indent=2, allow_nan=False) + "\n"
