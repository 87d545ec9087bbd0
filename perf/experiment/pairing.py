"""Measure a scenario against its reference: pairs of blocks, close together in time.

When each method is called, in pytest-benchmark's words: `setup` before every round, the
timed `block` as the round, `teardown` after it. The reference's block of a pair runs in
the set-up or in the teardown, which of the two is drawn at random for each pair; a new
launch of the server, and the blocks that warm both arms up, come first in the set-up.
The yardstick is read last in the set-up and first in the teardown; it is launched anew
together with the server, which is stopped while anything but the block is measured.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Container, Mapping, Sequence

from perf.experiment.answers import Counts
from perf.experiment.arms import Arm, Block
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM, Instruments
from perf.load.record import JobRecord
from perf.machine.freezing import at_rest
from perf.stats import Pair


class Decided(BaseException):
    """Raised by `setup` in place of a round, to end the benchmark's rounds there.

    No Exception, which pytest-benchmark would take for a failure of what it times.
    """


class Pairing:
    """The pairs of one scenario, as they are measured.

    `counts` are over both arms' measured and warm-up jobs; `blocks` are the scenario's
    own.
    """

    def __init__(  # noqa: PLR0913 -- the one place where all of it meets
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
        launched; 0 must be among them. Before each of them but 0 `enough` is asked
        whether the pairs so far suffice.
        """
        self.name = name
        self.scenario = scenario
        self.reference = reference
        self.counts = Counts()
        self.pairs: list[Pair] = []
        self.blocks: list[Block] = []
        self.launch = -1
        self.observed: Mapping[str, int | str] = {}
        self._instruments = instruments
        self._launches_before = launches_before
        self._warm_up_images = warm_up_images
        self._rng = rng
        self._enough = enough
        self._on_record = on_record
        self._reference_block: Block | None = None
        self._scenario_block: Block | None = None
        self._yardstick_rps: list[float] = []

    def setup(self) -> None:
        """Relaunch where a launch is due; run the reference's block where it is first.

        Raises Decided where a launch is due and there are pairs enough.
        """
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
        """Run the scenario's block: the round that pytest-benchmark times."""
        with self._instruments.block(SCENARIO_ARM):
            self._scenario_block = self.scenario.block(self._on_record)

    def teardown(self) -> None:
        """Run the reference's block where it is second, check all answers, add the pair.

        Raises JobsFailedError where any job failed or answered wrongly. Does nothing
        when the pair is already complete.
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
        """Ask the server of this launch for its settings; raises ServerError."""
        self.observed = self.scenario.observed()

    def _pair(self, block: Block, reference: Block) -> Pair:
        return Pair(
            scenario_rps=block.throughput_rps,
            reference_rps=reference.throughput_rps,
            launch=self.launch,
            yardstick_rps=statistics.geometric_mean(self._yardstick_rps),
        )

    def _relaunch(self) -> None:
        if self.launch >= 0:
            self.check_server()  # a worker that died in this launch is gone with it
            self._instruments.yardstick.relaunch()
        self.scenario.relaunch()
        self.launch += 1
        warm_up = self.scenario.block(images=self._warm_up_images)
        self._check(self.scenario, warm_up, f"{self.name}, warming up")
        # The first jobs after a launch find the model's file, and their memory, cold.
        cold = self.reference.block(images=self.reference.load.slots)
        self._check(self.reference, cold, f"{self.name}, reference arm warming up")
        self.check_server()

    def _run_reference(self) -> None:
        with self._instruments.block(REFERENCE_ARM, self.scenario.server_pids()):
            block = self.reference.block(self._on_record)
        self._check(self.reference, block, f"{self.name}, reference arm")
        self._reference_block = block

    def _check(self, arm: Arm, block: Block, who: str) -> None:
        self.counts.add(block.run.records, block.images, arm.load.expected)
        self.counts.raise_if_bad(who)
