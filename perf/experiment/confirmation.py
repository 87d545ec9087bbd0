"""Try a capacity that was found, in a fresh launch: the best of many is partly luck."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perf.config.scenario import Scenario
from perf.experiment.capacity import CapacityArm
from perf.experiment.capacity_result import Searches
from perf.experiment.instruments import Instruments
from perf.experiment.pairing import Pairing
from perf.stats.capacity import Probe

_TAIL = 0.025
"""So many requests are offered that, if all are good, this tail lies above the SLO."""

_MOST_S = 40.0
"""How long that may take: with 45 s the family of five rows took 20 min 0 s."""


@dataclass(slots=True)
class Confirmation:
    """Offers the lower end of the capacity's interval to a new launch."""

    scenario: Scenario
    arm: CapacityArm
    seed: int

    probe: Probe | None = None
    """What was seen; None where there was no capacity to confirm."""

    def run(self, pairing: Pairing, instruments: Instruments) -> None:
        """Launch, warm up and probe, at the pace of these seconds; raises PerfError."""
        if not pairing.measured:
            return
        searches = Searches(self.scenario, pairing.measured, self.seed)
        found = searches.capacity()
        if found is None:
            return
        self.arm.relaunch()
        warm_up = self.arm.warm_up()
        self.arm.check(warm_up).raise_if_bad(f"{self.scenario.name}, warming up")
        totals = warm_up.run.totals
        pace = instruments.pace.within(((totals.began_s, totals.ended_s),))
        rate_rps = found.low_rps * (1.0 if pace is None else pace / searches.mean_pace)
        enough = math.ceil(math.log(_TAIL) / math.log(self.scenario.slo_share))
        self.probe = self.arm.probe(rate_rps, least=min(enough, int(_MOST_S * rate_rps)))
        counts = self.arm.check(self.arm.probed[-1])
        counts.raise_if_bad(f"{self.scenario.name}, confirming")
