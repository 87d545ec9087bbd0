"""The report as metrics, for monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from perf.report.metrics.families import families
from perf.report.run import RunResults


class Metrics:
    """OpenMetrics text, version 1.0."""

    file_name = "metrics.prom"

    def render(self, run: RunResults) -> str:
        """Return the text; its last line is `# EOF`."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Run(run))
        return str(generate_latest(registry).decode())


class _Run(Collector):
    def __init__(self, run: RunResults) -> None:
        self._run = run

    def collect(self) -> Iterator[Metric]:
        yield from families(self._run)

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance: the registry would make the whole report for it."""
        yield from ()
