"""Measure a scenario beside its reference, in pairs of blocks close together in time.

pytest-benchmark calls `setup` before every round, times `block` as the round, and calls
`teardown` after it. The order within a pair:

1. set-up: where a launch is due, restart the servers and the yardstick, and warm up both
   arms;
2. set-up: run the reference's block, if chance puts it first; read the yardstick;
3. round: run the scenario's block;
4. teardown: read the yardstick; run the reference's block, if it has not run yet.

A server is stopped (SIGSTOP) during everything but its own blocks.

Where two trees are measured in turns (`perf.experiment.turns`), both blocks run in step 3.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Protocol

from perf.experiment.answers import Counts, JobsFailedError
from perf.experiment.arms import Arm, MeasuredBlock
from perf.experiment.instruments import (
    REFERENCE_ARM,
    SCENARIO_ARM,
    Instruments,
)
from perf.experiment.seen import MeasuredPair, Seen
from perf.load.pools.base import OnRecord
from perf.machine.freezing import at_rest
from perf.stats import Pair
from serving.errors import ServerError


class Decided(BaseException):
    """Raised by `setup` to end the rounds of a benchmark early.

    It is not an Exception, because pytest-benchmark reports those as failures.
    """


class Together(Protocol):
    """Runs the blocks of both arms at the same time."""

    def run(
        self, instruments: Instruments, on_record: OnRecord | None, *, ours_first: bool
    ) -> tuple[Seen, Seen]:
        """Return the scenario's block and the reference's.

        `on_record` is called for each job of the scenario. `ours_first` says whose block
        begins. Raises PerfError.
        """


class Pairing:
    """Measures the pairs of one scenario and keeps what came of them.

    `counts` counts the jobs of both arms, warm-up included. `measured` are the pairs that
    count, and `replaced` has for each other one what disturbed it. `observed` is what the
    server last reported of its settings.
    """

    def __init__(  # noqa: PLR0913 -- a measurement needs all of these
        self,
        name: str,
        scenario: Arm,
        reference: Arm,
        *,
        instruments: Instruments,
        launches_before: Container[int],
        most_pairs: int,
        rng: random.Random,
        enough: Callable[[Sequence[Pair]], bool] = lambda _: False,
        disturbed: Callable[[MeasuredPair], str] = lambda _: "",
        most_replaced: int = 0,
        on_record: OnRecord | None = None,
        on_pair: Callable[[Sequence[Pair]], None] = lambda _: None,
        other: str = "reference",
        together: Together | None = None,
    ) -> None:
        """Prepare to measure; nothing runs yet.

        `launches_before` are the numbers of the pairs before which the server is
        launched, 0 among them. `most_pairs` is where measuring ends at the latest. Before
        each later launch `enough` is asked whether the pairs are enough. `disturbed`
        says what disturbed a pair, or nothing; such a pair is measured again, at most
        `most_replaced` of them. `rng` decides which block
        of a pair is first. `on_record` is called for each measured job as it ends, and
        `on_pair` with all pairs that count whenever one joins them. Messages call the
        reference's blocks `other`. With `together`, both blocks of a pair run at once.
        """
        self.name = name
        self._other = other
        self._together = together
        self.scenario = scenario
        self.reference = reference
        self.counts = Counts()
        self.measured: list[MeasuredPair] = []
        self.replaced: list[str] = []
        self._not_counted: list[MeasuredBlock] = []
        self.launch = -1
        self.observed: Mapping[str, int | str] = {}
        self._instruments = instruments
        self._launches_before = launches_before
        self._most_pairs = most_pairs
        self._rng = rng
        self._enough = enough
        self._disturbed = disturbed
        self._most_replaced = most_replaced
        self._on_record = on_record
        self._on_pair = on_pair
        self._launched = -1  # before which pair the last launch was
        self._reference_first = False
        self._reference_block: Seen | None = None
        self._scenario_block: Seen | None = None
        self._yardstick_rps: list[float] = []

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that count."""
        return [one.pair for one in self.measured]

    @property
    def blocks(self) -> list[MeasuredBlock]:
        """The scenario's blocks of these pairs."""
        return [one.scenario.block for one in self.measured]

    @property
    def all_blocks(self) -> list[MeasuredBlock]:
        """The scenario's blocks of all pairs: the monitor saw the replaced ones too."""
        return [*self.blocks, *self._not_counted]

    def setup(self) -> None:
        """Do steps 1 and 2. Raises Decided where the pairs are enough."""
        place = len(self.measured)
        if place >= self._most_pairs:
            raise Decided
        if place in self._launches_before and place != self._launched:
            if self.measured and self._enough(self.pairs):
                raise Decided
            self._relaunch()
            self._launched = place
        self._reference_block = self._scenario_block = None
        self._reference_first = self._rng.random() < 0.5  # noqa: PLR2004 -- a fair coin
        if self._reference_first and not self._together:
            self._run_reference()
        self._yardstick_rps = self._measure_yardstick()

    def block(self) -> None:
        """Do step 3: the round that pytest-benchmark times."""
        if self._together is None:
            self._scenario_block = self._run(self.scenario, SCENARIO_ARM, self.reference)
            return
        ours, theirs = self._together.run(
            self._instruments, self._on_record, ours_first=not self._reference_first
        )
        self._keep_reference(theirs)
        self._scenario_block = ours

    def teardown(self) -> None:
        """Do step 4, check all answers, and add the pair.

        Raises ServerError where any job failed or answered wrongly. Does nothing
        where the pair is already complete.
        """
        seen, self._scenario_block = self._scenario_block, None
        if seen is None:
            return
        self._yardstick_rps += self._measure_yardstick()
        self._check(self.scenario, seen.block, self.name)
        if self._reference_block is None:
            self._run_reference()
        assert self._reference_block is not None
        self._add(seen, self._reference_block)
        with at_rest(self._servers()):
            self._instruments.measure_limits()

    def check_server(self) -> None:
        """Ask the servers for their settings; raises ServerError where they are wrong."""
        self.observed = self.scenario.observed()
        self.reference.observed()

    def _add(self, scenario: Seen, reference: Seen) -> None:
        pair = Pair(
            scenario=scenario.figures(self._instruments.pace),
            reference=reference.figures(self._instruments.pace),
            launch=self.launch,
            yardstick_rps=(
                statistics.geometric_mean(self._yardstick_rps)
                if self._yardstick_rps
                else None
            ),
        )
        measured = MeasuredPair(pair, scenario, reference)
        why = self._disturbed(measured)
        if why and len(self.replaced) < self._most_replaced:
            self.replaced.append(why)
            self._not_counted.append(scenario.block)
        else:
            self.measured.append(measured)
            self._on_pair(self.pairs)

    def _relaunch(self) -> None:
        if self.launch >= 0:
            self.check_server()  # now, because the next server hides a worker that died
            if self._instruments.yardstick:
                self._instruments.yardstick.relaunch()
        self.launch += 1
        arms = (self.scenario, self.reference)
        for arm in arms:
            arm.begin_relaunch()
        for arm in arms:
            arm.relaunch()
        warming = [(self.scenario, ""), (self.reference, f", {self._other}")]
        if self._together and self._rng.random() < 0.5:  # noqa: PLR2004 -- a fair coin
            warming.reverse()  # what was warmed up last may have an advantage
        for arm, who in warming:
            # The first jobs after a launch find cold caches.
            self._check(arm, arm.warm_up(), f"{self.name}{who}, warming up")
        self.check_server()

    def _measure_yardstick(self) -> list[float]:
        if self._instruments.yardstick is None:
            return []
        with at_rest(self._servers()):
            return [self._instruments.yardstick.measure_rps()]

    def _run_reference(self) -> None:
        self._keep_reference(self._run(self.reference, REFERENCE_ARM, self.scenario))

    def _keep_reference(self, seen: Seen) -> None:
        self._check(self.reference, seen.block, f"{self.name}, {self._other}")
        self._reference_block = seen

    def _run(self, arm: Arm, name: str, other: Arm) -> Seen:
        """Run a block of `arm` while the server of the `other` is stopped."""
        idle = other.server_pids()
        with at_rest(idle), self._instruments.block(name, idle) as reading:
            block = arm.block(self._on_record)
        return Seen.of(block, reading, self._instruments.pace)

    def _servers(self) -> tuple[int, ...]:
        return (*self.scenario.server_pids(), *self.reference.server_pids())

    def _check(self, arm: Arm, block: MeasuredBlock, who: str) -> None:
        self.counts.include(arm.check(block))
        try:
            self.counts.raise_if_bad(who)
        except JobsFailedError as fault:
            # The log says why a server refused or died, and is deleted with the server.
            raise ServerError(str(fault), log_tail=arm.log_tail()) from None
