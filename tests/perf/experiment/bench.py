"""A pairing of two fake arms whose calls are recorded, for the tests of pairing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from perf.experiment.instruments import Instruments
from perf.experiment.pairing import Pairing, Together
from perf.experiment.seen import MeasuredPair
from perf.load.record import JobRecord
from perf.stats import Pair
from tests.support.fakes import FakeArm, fake_instruments

REFERENCE_FIRST, REFERENCE_SECOND = 0.25, 0.75
"""Random numbers that put the reference's block first, and second, in a pair."""

OBSERVED = ["scenario: observed", "reference: observed"]
"""The calls that check the settings of both servers."""

LAUNCH = [
    *("scenario: relaunch", "reference: relaunch"),
    *("scenario: 2 images", "reference: 2 images"),
    *OBSERVED,
]
"""The calls of a launch: start and warm up each arm, and check the settings."""

SCENARIO = [
    "yardstick",
    *("scenario: measure", "scenario: 8 images", "scenario: measured"),
    "yardstick",
]
"""The calls of a scenario's block, with the yardstick before and after it."""

REFERENCE = ["reference: measure", "reference: 4 images", "reference: measured"]
"""The calls of a reference's block."""


class FixedRandom(random.Random):
    """A random source that returns the given numbers in turn, and then starts again."""

    def __init__(self, *numbers: float) -> None:
        super().__init__(0)
        self._numbers = numbers
        self._drawn = 0

    def random(self) -> float:
        """Return the next number."""
        self._drawn += 1
        return self._numbers[(self._drawn - 1) % len(self._numbers)]


@dataclass
class Bench:
    """A pairing of two fake arms."""

    rng: random.Random
    """Decides which block of a pair is first."""

    launches_before: tuple[int, ...] = (0,)
    """The numbers of the pairs that begin a launch."""

    most_pairs: int = 64
    """Where measuring ends at the latest."""

    disturbed: Callable[[MeasuredPair], str] = lambda _: ""
    """Returns what disturbed a pair."""

    most_replaced: int = 0
    """How many disturbed pairs may be measured again."""

    enough: Callable[[Sequence[Pair]], bool] = lambda _: False
    """Returns whether the pairs so far are enough."""

    yardstick_rps: Sequence[float] = (10.0,)
    """The readings of the yardstick, which it gives in turn."""

    together: Together | None = None
    """What runs both blocks at once."""

    calls: list[str] = field(default_factory=list)
    """The calls on the arms and instruments, in order."""

    records: list[JobRecord] = field(default_factory=list)
    """The jobs for which the pairing called `on_record`."""

    def __post_init__(self) -> None:
        """Make the arms, the instruments and the pairing."""
        self.scenario = FakeArm("scenario", self.calls, block_images=8, image_s=0.25)
        self.reference = FakeArm("reference", self.calls, block_images=4, image_s=0.5)
        self.instruments: Instruments = fake_instruments(
            self.calls, yardstick_rps=self.yardstick_rps
        )
        self.pairing = Pairing(
            "serving-batch",
            self.scenario,
            self.reference,
            instruments=self.instruments,
            launches_before=self.launches_before,
            most_pairs=self.most_pairs,
            rng=self.rng,
            enough=self.enough,
            disturbed=self.disturbed,
            most_replaced=self.most_replaced,
            on_record=self.records.append,
            together=self.together,
        )

    def run(self, rounds: int) -> Pairing:
        """Measure so many pairs, with the calls in pytest-benchmark's order."""
        for _ in range(rounds):
            self.pairing.setup()
            self.pairing.block()
            self.pairing.teardown()
        return self.pairing
