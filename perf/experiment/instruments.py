"""What is read before, during and after every block of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from perf.experiment.limits import LimitGauge
from perf.machine.interference import Conditions, Watch
from perf.machine.usage import Monitor

SCENARIO_ARM = "scenario"
REFERENCE_ARM = "reference"


class Gauge(Protocol):
    """The yardstick, as a pair needs it."""

    @property
    def cpu_ms_per_image(self) -> float | None:
        """The CPU time of an image so far."""

    def relaunch(self) -> None:
        """Start it anew, as a server is at each launch."""

    def measure_rps(self) -> float:
        """Return images a second at this moment."""


@dataclass(slots=True, kw_only=True)
class Instruments:
    """The instruments of one scenario's measurement.

    Both arms have a monitor, for one is no burden to its arm alone; only the scenario's
    is reported. `conditions` collects what the machine did, by arm. `limits`, where there
    are any, are measured beside every pair.
    """

    monitors: dict[str, Monitor]
    watch: Watch
    yardstick: Gauge
    limits: LimitGauge | None = None
    conditions: dict[str, list[Conditions]] = field(
        default_factory=lambda: {SCENARIO_ARM: [], REFERENCE_ARM: []}
    )

    @contextmanager
    def block(self, arm: str, idle_arm: Iterable[int] = ()) -> Iterator[None]:
        """Watch over one block of `arm`; `idle_arm` are the other's roots."""
        with self.watch.block(idle_arm) as seen, self.monitors[arm].measuring():
            yield
        self.conditions[arm] += seen

    def measure_limits(self) -> None:
        """Measure the limits, where they are asked for; raises ChildError."""
        if self.limits:
            self.limits.measure()
