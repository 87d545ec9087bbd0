"""Measure a scenario beside its reference, in pairs of blocks close together in time.

pytest-benchmark calls `setup` before every round, times `block` as the round, and calls
`teardown` after it. The order within a pair:

1. set-up: where a launch is due, restart the server and the yardstick, and warm up both
   arms;
2. set-up: run the reference's block, if chance puts it first; read the yardstick;
3. round: run the scenario's block;
4. teardown: read the yardstick; run the reference's block, if it has not run yet.

The server is frozen (SIGSTOP) during everything but its own blocks.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Container, Mapping, Sequence

from perf.experiment.answers import Counts
from perf.experiment.arms import Arm, MeasuredBlock
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM, Instruments
from perf.load.record import JobRecord
from perf.machine.freezing import at_rest
from perf.stats import Pair


class Decided(BaseException):
    """Raised by `setup` to end the rounds of a benchmark early.

    It is not an Exception, because pytest-benchmark reports those as failures.
    """


class Pairing:
    """Measures the pairs of one scenario and keeps what came of them.

    `counts` counts the jobs of both arms, warm-up included. `blocks` are the scenario's
    blocks. `observed` is what the server last reported of its settings.
    """

    def __init__(  # noqa: PLR0913 -- a measurement needs all of these
        self,
        name: str,
        scenario: Arm,
        reference: Arm,
        *,
        instruments: Instruments,
        launches_before: Container[int],
        warm_up_images: int,
        rng: random.Random,
        enough: Callable[[Sequence[Pair]], bool] = lambda _: False,
        on_record: Callable[[JobRecord], None] | None = None,
    ) -> None:
        """Prepare to measure; nothing runs yet.

        `launches_before` are the numbers of the pairs before which the server is
        launched, 0 among them. Before each later launch `enough` is asked whether the
        pairs so far are enough. `rng` decides which block of a pair is first. `on_record`
        is called for each measured job as it ends.
        """
        self.name = name
        self.scenario = scenario
        self.reference = reference
        self.counts = Counts()
        self.pairs: list[Pair] = []
        self.blocks: list[MeasuredBlock] = []
        self.launch = -1
        self.observed: Mapping[str, int | str] = {}
        self._instruments = instruments
        self._launches_before = launches_before
        self._warm_up_images = warm_up_images
        self._rng = rng
        self._enough = enough
        self._on_record = on_record
        self._reference_block: MeasuredBlock | None = None
        self._scenario_block: MeasuredBlock | None = None
        self._yardstick_rps: list[float] = []

    def setup(self) -> None:
        """Do steps 1 and 2. Raises Decided where a launch is due and pairs are enough."""
        if len(self.pairs) in self._launches_before:
            if self.pairs and self._enough(self.pairs):
                raise Decided
            self._relaunch()
        self._reference_block = self._scenario_block = None
        with at_rest(self.scenario.server_pids()):
            if self._rng.random() < 0.5:  # noqa: PLR2004 -- a fair coin
                self._run_reference()
            self._yardstick_rps = [self._instruments.yardstick.measure_rps()]

    def block(self) -> None:
        """Do step 3: the round that pytest-benchmark times."""
        with self._instruments.block(SCENARIO_ARM):
            self._scenario_block = self.scenario.block(self._on_record)

    def teardown(self) -> None:
        """Do step 4, check all answers, and add the pair.

        Raises JobsFailedError where any job failed or answered wrongly. Does nothing
        where the pair is already complete.
        """
        block, self._scenario_block = self._scenario_block, None
        if block is None:
            return
        with at_rest(self.scenario.server_pids()):
            self._yardstick_rps.append(self._instruments.yardstick.measure_rps())
            self.blocks.append(block)
            self._check(self.scenario, block, self.name)
            if self._reference_block is None:
                self._run_reference()
            assert self._reference_block is not None
            self.pairs.append(self._pair(block, self._reference_block))
            self._instruments.measure_limits()

    def check_server(self) -> None:
        """Ask the server for its settings; raises ServerError where they are wrong."""
        self.observed = self.scenario.observed()

    def _pair(self, block: MeasuredBlock, reference: MeasuredBlock) -> Pair:
        return Pair(
            scenario_rps=block.throughput_rps,
            reference_rps=reference.throughput_rps,
            launch=self.launch,
            yardstick_rps=statistics.geometric_mean(self._yardstick_rps),
        )

    def _relaunch(self) -> None:
        if self.launch >= 0:
            self.check_server()  # now, because the next server hides a worker that died
            self._instruments.yardstick.relaunch()
        self.scenario.relaunch()
        self.launch += 1
        warm_up = self.scenario.block(images=self._warm_up_images)
        self._check(self.scenario, warm_up, f"{self.name}, warming up")
        # The first jobs after a launch find cold caches.
        cold = self.reference.block(images=self.reference.workload.slots)
        self._check(self.reference, cold, f"{self.name}, reference arm warming up")
        self.check_server()

    def _run_reference(self) -> None:
        with self._instruments.block(REFERENCE_ARM, self.scenario.server_pids()):
            block = self.reference.block(self._on_record)
        self._check(self.reference, block, f"{self.name}, reference arm")
        self._reference_block = block

    def _check(self, arm: Arm, block: MeasuredBlock, who: str) -> None:
        self.counts.add(block.run.records, block.images, arm.workload.expected)
        self.counts.raise_if_bad(who)
