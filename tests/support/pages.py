"""Pages of runs, and results that only pages need."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

from perf.report.formats.page import Page
from perf.report.result import Requests, ScenarioResult
from perf.stats import Verdict
from tests.support.html_reader import Reading, read_html
from tests.support.results import BATCH, rejudged, run_of

INVALID = rejudged(
    replace(BATCH, pairs=(), requests=Requests(total=240, failed=3, wrong=1)),
    verdict=Verdict.INVALID,
    reason="the server died",
    quantities=(),
    ratio=None,
)
ONE_PAIR = rejudged(
    replace(BATCH, pairs=BATCH.pairs[:1]),
    verdict=Verdict.INCONCLUSIVE,
    reason="a verdict needs at least 2 pairs, not 1",
    quantities=(),
    ratio=None,
)


def summary_in(text: str) -> dict[str, Any]:
    """Return what the page's element `summary` holds."""
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
    return found


def page_of(*results: ScenarioResult, **options: Any) -> Reading:  # noqa: ANN401 -- passed on to run_of unchanged
    """Return the page of a run with these results."""
    return read_html(Page().render(run_of(*results, **options)))
