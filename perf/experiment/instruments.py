"""The instruments that are read around every block of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from perf.experiment.limits import LimitGauge
from perf.machine.interference import Conditions, Watch
from perf.machine.pace import PaceGauge
from perf.machine.usage import BlockUsage, Monitor

SCENARIO_ARM = "scenario"
REFERENCE_ARM = "reference"


class Gauge(Protocol):
    """The yardstick, as the pairs use it."""

    @property
    def cpu_ms_per_image(self) -> float | None:
        """The mean CPU time of an image so far, or None before the first reading."""

    def relaunch(self) -> None:
        """Restart its processes, as a launch restarts the server."""

    def measure_rps(self) -> float:
        """Return images a second, measured now."""


@dataclass(slots=True)
class BlockReading:
    """What the instruments read of one block."""

    usage: BlockUsage = field(default_factory=BlockUsage)
    conditions: Conditions | None = None


@dataclass(slots=True, kw_only=True)
class Instruments:
    """The instruments of one scenario."""

    monitors: dict[str, Monitor]
    """CPU and memory by arm. Both arms have one, so that both bear its cost."""

    watch: Watch
    """Reads how much CPU others took during a block."""

    yardstick: Gauge | None
    """The model alone; None where nothing is compared with it."""

    pace: PaceGauge
    """How fast the cores are while a block runs."""

    limits: LimitGauge | None = None
    """The model alone in other layouts, measured once a pair where it is asked for."""

    @contextmanager
    def block(self, arm: str, idle_arm: Iterable[int] = ()) -> Iterator[BlockReading]:
        """Measure what runs inside as one block of `arm`; the reading is complete then.

        `idle_arm` are the root processes of the other arm, which should be idle.
        """
        reading = BlockReading()
        with self.watch.block(idle_arm) as seen, self.monitors[arm].measuring() as usage:
            yield reading
        reading.usage, reading.conditions = usage, seen[0]

    @contextmanager
    def blocks_in_turns(
        self, clocks: Mapping[str, Callable[[], float]]
    ) -> Iterator[Mapping[str, BlockReading]]:
        """Measure what runs inside as one block of each arm, which take turns.

        `clocks` has for each arm a clock that stands still while the arm is stopped. The
        readings are complete when the block has ended; the conditions are those of both.
        """
        readings = {arm: BlockReading() for arm in clocks}
        with self.watch.block() as seen, ExitStack() as stack:
            for arm, clock in clocks.items():
                usage = stack.enter_context(self.monitors[arm].measuring(clock))
                readings[arm].usage = usage
            yield readings
        for reading in readings.values():
            reading.conditions = seen[0]

    def measure_limits(self) -> None:
        """Measure the limits once, where they are asked for; raises ChildError."""
        if self.limits:
            self.limits.measure()
