"""From the searches of a scenario to the capacity that the report shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from perf.config.scenario import Scenario
from perf.experiment.probes import probes_at
from perf.experiment.seen import MeasuredPair
from perf.report.result import CapacityResult
from perf.stats.capacity import Capacity, Probe, falling, pooled_capacity

TIERS = (0.5, 1.0, 2.0, 4.0)
"""Times the SLO's own time: the capacity for each is read from the same probes."""


@dataclass(frozen=True, slots=True)
class Searches:
    """All searches of one scenario. There must be at least one."""

    scenario: Scenario
    measured: Sequence[MeasuredPair]
    seed: int
    """Of the bootstrap."""

    @property
    def mean_pace(self) -> float:
        """The geometric mean of the pace over the searches."""
        return geometric_mean(one.pair.scenario.pace or 1.0 for one in self.measured)

    def probes(self, slo_s: float) -> list[list[Probe]]:
        """Return the probes of each launch, judged by an SLO, each at the mean pace."""
        mean_pace = self.mean_pace
        launches: dict[int, list[Probe]] = {}
        for one in self.measured:
            seen = one.scenario
            found = probes_at(seen.block, seen.probe_paces, mean_pace, slo_s)
            launches.setdefault(one.pair.launch, []).extend(found)
        return list(launches.values())

    def capacity(self, slo_ms: float | None = None) -> Capacity | None:
        """Return the capacity for an SLO's time, by default the row's."""
        slo_ms = slo_ms or self.scenario.slo_ms
        assert slo_ms is not None
        share = self.scenario.slo_share
        return pooled_capacity(self.probes(1e-3 * slo_ms), share, seed=self.seed)


def capacity_result(
    searches: Searches, confirmed: Probe | None = None
) -> CapacityResult | None:
    """Return the capacity over all searches; None where the row does not seek it.

    None also where nothing was measured. `confirmed` is the probe of a fresh launch.
    """
    scenario, measured = searches.scenario, searches.measured
    if not scenario.seeks_capacity or not measured:
        return None
    assert scenario.slo_ms is not None
    own = searches.capacity()
    tiers = {times * scenario.slo_ms for times in TIERS}
    found = {slo_ms: searches.capacity(slo_ms) for slo_ms in sorted(tiers)}
    every = [probe for one in searches.probes(1e-3 * scenario.slo_ms) for probe in one]
    rates, attained = falling(every)
    blocks = [pair.scenario.block for pair in measured]
    return CapacityResult(
        slo_ms=scenario.slo_ms,
        share=scenario.slo_share,
        rps=None if own is None else own.rps,
        low_rps=None if own is None else own.low_rps,
        high_rps=None if own is None else own.high_rps,
        cliff=own is not None and own.cliff,
        closed_rps=geometric_mean(
            block.found.closed_rps for block in blocks if block.found
        ),
        tiers_rps={
            slo_ms: None if one is None else one.rps for slo_ms, one in found.items()
        },
        attained=dict(zip(rates.tolist(), attained.tolist(), strict=True)),
        confirmed=None if confirmed is None else confirmed.met(scenario.slo_share).value,
    )
