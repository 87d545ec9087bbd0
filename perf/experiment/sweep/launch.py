"""Measure one launch of a row on its own: without a reference, with all instruments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from perf.config.scenario import Scenario
from perf.experiment.arms import Arm
from perf.experiment.instruments import SCENARIO_ARM, BlockReading, Instruments
from perf.experiment.lab import Lab
from perf.experiment.seen import Seen
from perf.experiment.sweep.journal import Launch
from perf.judge.validity import disturbances, pace_fault, shares
from perf.machine.interference import Watch
from perf.machine.pace import PaceGauge
from perf.machine.processes import IGNORED
from perf.machine.usage import Monitor
from perf.stats import Block, Pair

MOST_AGAIN = 2
"""How many disturbed blocks of a launch are measured again."""


@dataclass(slots=True)
class LaunchMeter:
    """Measures launches. `pace` runs as long as the meter is used."""

    lab: Lab
    pace: PaceGauge

    pace_pids: tuple[int, ...]
    """The processes of the pace, which are not measured."""

    _last: Block | None = field(default=None, init=False)
    """The last block that counts."""

    def measure(self, row: Scenario, blocks: int) -> Launch:
        """Launch the row's server, measure so many blocks, and stop it.

        A block is disturbed if other processes or the host took too much of it, or if its
        pace is far from that of the last block that counts. The first `MOST_AGAIN`
        disturbed blocks are measured again; later ones count. Raises PerfError where the
        server does not start, or a job fails or answers wrongly.
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
                figures = Seen.of(block, reading, self.pace).figures(self.pace)
                is_disturbed = self._disturbed(reading) or self._jumped(figures)
                disturbed += is_disturbed
                if not is_disturbed or disturbed > MOST_AGAIN:
                    found.append(figures)
                    self._last = figures
            arm.observed()
        return Launch(found, max(0, disturbed - MOST_AGAIN))

    def _disturbed(self, reading: BlockReading) -> bool:
        """Return whether other processes or the host took too much of the block."""
        if reading.conditions is None:
            return False
        seen = shares([reading.conditions], self.lab.machine.usable_cores)
        return bool(disturbances({SCENARIO_ARM: seen}))

    def _jumped(self, block: Block) -> bool:
        """Return whether the pace of a block is far from that of the last one."""
        return self._last is not None and bool(pace_fault(Pair(block, self._last, 0)))

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
