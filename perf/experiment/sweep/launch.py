"""Measure one launch of a row on its own: without a reference, with all instruments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from perf.config.scenario import Scenario
from perf.experiment.arms import Arm
from perf.experiment.instruments import SCENARIO_ARM, BlockReading, Instruments
from perf.experiment.lab import Lab
from perf.experiment.pairing import Seen
from perf.experiment.sweep.journal import Launch
from perf.judge.validity import disturbances, shares
from perf.machine.interference import Watch
from perf.machine.pace import PaceGauge
from perf.machine.processes import IGNORED
from perf.machine.usage import Monitor
from perf.stats import Block

MOST_AGAIN = 2
"""How many disturbed blocks of a launch are measured again."""


@dataclass(frozen=True, slots=True)
class LaunchMeter:
    """Measures launches. `pace` runs as long as the meter is used."""

    lab: Lab
    pace: PaceGauge

    pace_pids: tuple[int, ...]
    """The processes of the pace, which are not measured."""

    def measure(self, row: Scenario, blocks: int) -> Launch:
        """Launch the row's server, measure so many blocks, and stop it.

        Of the disturbed blocks the first `MOST_AGAIN` are measured again; later ones
        count. Raises PerfError where it does not start, or a job fails or answers wrongly.
        """
        arm = self.lab.arm(row)
        found: list[Block] = []
        with ExitStack() as stack:
            stack.callback(arm.stop)
            instruments = self._instruments(arm, stack)
            arm.relaunch()
            arm.check(arm.warm_up()).raise_if_bad(f"{row.name}, warming up")
            arm.observed()
            disturbed = 0
            while len(found) < blocks:
                with instruments.block(SCENARIO_ARM) as reading:
                    block = arm.block()
                arm.check(block).raise_if_bad(row.name)
                is_disturbed = self._disturbed(reading)
                disturbed += is_disturbed
                if not is_disturbed or disturbed > MOST_AGAIN:
                    found.append(Seen.of(block, reading, self.pace).figures(self.pace))
            arm.observed()
        return Launch(found, max(0, disturbed - MOST_AGAIN))

    def _disturbed(self, reading: BlockReading) -> bool:
        """Return whether other processes or the host took too much of the block."""
        if reading.conditions is None:
            return False
        seen = shares([reading.conditions], self.lab.machine.usable_cores)
        return bool(disturbances({SCENARIO_ARM: seen}))

    def _instruments(self, arm: Arm, stack: ExitStack) -> Instruments:
        lab = self.lab

        def own() -> Sequence[int]:
            return (os.getpid(), *arm.server_pids(), *lab.helper_pids)

        def roots() -> Mapping[str, tuple[int, ...]]:
            jobs = arm.job_pids()
            idle = {*lab.idle_pids(), *self.pace_pids} - {*jobs}
            return {
                "jobs": jobs,
                "server": arm.server_pids(),
                "harness": (os.getpid(),),
                IGNORED: tuple(idle),
            }

        monitor = stack.enter_context(Monitor(roots, usable_cores=lab.machine.usable_cores))
        return Instruments(
            monitors={SCENARIO_ARM: monitor},
            watch=Watch(own),
            yardstick=None,
            pace=self.pace,
        )
