"""Makes the page of the trend."""

from __future__ import annotations

from collections.abc import Sequence

from perf.report.page.rendering import fill
from perf.report.trend.history import TrendSeries
from perf.report.trend.model import trend_of
from perf.stats.change_points import FEWEST_RUNS


def render(history: Sequence[TrendSeries]) -> str:
    """Return the page, with a newline at its end."""
    return fill("trend.html.jinja", page=trend_of(history), fewest=FEWEST_RUNS)
