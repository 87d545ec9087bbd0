"""Measure a scenario against its reference: pairs of blocks, close together in time.

When each method is called, in pytest-benchmark's words: `setup` before every round, the
timed `block` as the round, `teardown` after it. The reference's block of a pair runs in
the set-up or in the teardown, which of the two is drawn at random for each pair; a new
launch of the server, and the blocks that warm it up, come first in the set-up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Mapping

from perf.arms import Arm, Block
from perf.check import Counts
from perf.jobs.record import JobRecord, Top
from perf.monitor import Monitor
from perf.processes import cpu_seconds
from perf.stats import Pair


class Pairing:
    """The pairs of one scenario, as they are measured.

    `counts` are over both arms' measured and warm-up jobs; `blocks` are the scenario's
    own; `idle_cpu_s` is the CPU that the scenario's server used while the reference ran,
    and `reference_s` for how long it ran.
    """

    def __init__(  # noqa: PLR0913 -- the one place where all of it meets
        self,
        name: str,
        scenario: Arm,
        reference: Arm,
        predictions: Mapping[str, Top],
        *,
        monitor: Monitor,
        launches_before: Container[int],
        warm_up_images: int,
        rng: random.Random,
        on_record: Callable[[JobRecord], None] | None = None,
    ) -> None:
        """Prepare to measure; nothing runs yet.

        `launches_before` are the numbers of the pairs before which the server is
        launched; 0 must be among them.
        """
        self.name = name
        self.scenario = scenario
        self.reference = reference
        self.counts = Counts()
        self.pairs: list[Pair] = []
        self.blocks: list[Block] = []
        self.launch = -1
        self.idle_cpu_s = 0.0
        self.reference_s = 0.0
        self.observed: Mapping[str, int | str] = {}
        self._predictions = predictions
        self._monitor = monitor
        self._launches_before = launches_before
        self._warm_up_images = warm_up_images
        self._rng = rng
        self._on_record = on_record
        self._reference_block: Block | None = None
        self._scenario_block: Block | None = None

    def setup(self) -> None:
        """Relaunch where a launch is due; run the reference's block where it is first."""
        if len(self.pairs) in self._launches_before:
            self._relaunch()
        self._reference_block = self._scenario_block = None
        if self._rng.random() < 0.5:  # noqa: PLR2004 -- a fair coin
            self._run_reference()

    def block(self) -> None:
        """Run the scenario's block: the round that pytest-benchmark times."""
        with self._monitor.measuring():
            self._scenario_block = self.scenario.block(self._on_record)

    def teardown(self) -> None:
        """Run the reference's block where it is second, check all answers, add the pair.

        Raises JobsFailedError where any job failed or answered wrongly. Does nothing
        when the pair is already complete.
        """
        block, self._scenario_block = self._scenario_block, None
        if block is None:
            return
        self.blocks.append(block)
        self._check(block, self.name)
        if self._reference_block is None:
            self._run_reference()
        assert self._reference_block is not None
        self.pairs.append(
            Pair(block.throughput_rps, self._reference_block.throughput_rps, self.launch)
        )

    def _relaunch(self) -> None:
        self.scenario.relaunch()
        self.launch += 1
        warm_up = self.scenario.block(images=self._warm_up_images)
        self._check(warm_up, f"{self.name}, warming up")
        self.observed = self.scenario.observed()

    def _run_reference(self) -> None:
        pids = self.scenario.server_pids()
        before_s = cpu_seconds(pids)
        block = self.reference.block(self._on_record)
        self.idle_cpu_s += cpu_seconds(pids) - before_s
        self.reference_s += block.run.duration_s
        self._check(block, f"{self.name}, reference arm")
        self._reference_block = block

    def _check(self, block: Block, who: str) -> None:
        self.counts.add(block.run.records, block.images, self._predictions)
        self.counts.raise_if_bad(who)
