"""From the blocks at one rate to the figures that the report shows."""

from __future__ import annotations

from collections.abc import Sequence

from perf.config.scenario import Scenario
from perf.experiment.arms import MeasuredBlock
from perf.experiment.probes import requests_of
from perf.report.result import OfferedResult
from perf.stats import percentiles
from perf.stats.offered import Offered


def offered_result(
    scenario: Scenario, blocks: Sequence[MeasuredBlock]
) -> OfferedResult | None:
    """Return what became of all requests; None where the row has no rate.

    None also where nothing was measured.
    """
    if scenario.rate_rps is None or not blocks:
        return None
    offered = Offered([one for block in blocks for one in requests_of(block)])
    slo_s = float("inf") if scenario.slo_ms is None else 1e-3 * scenario.slo_ms
    attainment = float(offered.good(slo_s).mean())
    return OfferedResult(
        rate_rps=scenario.rate_rps,
        slo_ms=scenario.slo_ms,
        goodput_rps=attainment * scenario.rate_rps,
        attainment=attainment,
        missed=int((~offered.right).sum()),
        response_ms=percentiles((1e3 * offered.response_s).tolist()),
        service_ms=percentiles((1e3 * offered.service_s).tolist()),
        lateness_ms=percentiles((1e3 * offered.lateness_s).tolist()),
    )
