"""From the blocks at one rate to the figures that the report shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
    attainment, right = float(offered.good(slo_s).mean()), offered.right
    return OfferedResult(
        rate_rps=scenario.rate_rps,
        slo_ms=scenario.slo_ms,
        goodput_rps=attainment * scenario.rate_rps,
        attainment=attainment,
        missed=int((~offered.right).sum()),
        response_ms=_percentiles_ms(offered.response_s[right]),
        service_ms=_percentiles_ms(offered.service_s[right]),
        lateness_ms=_percentiles_ms(offered.lateness_s),
    )


def _percentiles_ms(times_s: NDArray[np.float64]) -> dict[str, float]:
    """Return percentiles in milliseconds, or nothing where there is no time."""
    return percentiles((1e3 * times_s).tolist()) if times_s.size else {}
