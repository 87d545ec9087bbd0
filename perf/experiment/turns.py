"""Run the blocks of two trees at the same time, in turns of a fraction of a second.

A shared machine changes its speed within seconds. If one block runs after the other, each
meets another machine. So both are begun, and all processes of one tree are stopped while
those of the other run. After each turn of `turn_s` they change places. Each tree has a
clock that stands still while it is stopped; all times of its block are told by that clock.

How much the speed differs from one span of time to the next does not depend on how long
they are, between half a second and half a minute (docs/results.md). So many short turns
are better than a few long ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from perf.experiment.against.hosted import HostedArm
from perf.experiment.instruments import (
    REFERENCE_ARM,
    SCENARIO_ARM,
    BlockReading,
    Instruments,
)
from perf.experiment.seen import Seen
from perf.load.pools.base import BlockRun, OnRecord
from perf.machine.active import ActiveTime
from perf.machine.freezing import Freezer
from serving.child import Child, ChildError

_MOST_S = 7200.0
_GUARD_S = 30.0


@dataclass(slots=True)
class _Side:
    """One tree in a pair of blocks."""

    arm: HostedArm
    freezer: Freezer
    clock: ActiveTime = field(default_factory=ActiveTime)
    begun: bool = False
    ended: bool = False

    def take_turn(self, turn_s: float) -> None:
        """Run for `turn_s`, or until the block ends."""
        self.freezer.go()
        self.clock.go()
        try:
            if not self.begun:
                self.arm.begin_block()
                self.begun = True
            self.ended = self.arm.has_ended(turn_s)
        finally:
            self.freezer.stop()
            self.clock.stop()


@dataclass(slots=True, kw_only=True)
class Turns:
    """Both trees of a run side by side, whose blocks run in turns."""

    ours: HostedArm
    theirs: HostedArm

    turn_s: float
    """How long one tree runs before the other has its turn."""

    guard: Child

    @classmethod
    def start(cls, ours: HostedArm, theirs: HostedArm, turn_s: float) -> Turns:
        """Start what lets stopped processes continue if this process dies."""
        guard = Child("perf.machine.thawing_process")
        return cls(ours=ours, theirs=theirs, turn_s=turn_s, guard=guard)

    def stop(self) -> None:
        """End it; idempotent."""
        self.guard.stop()

    def run(
        self, instruments: Instruments, on_record: OnRecord | None, *, ours_first: bool
    ) -> tuple[Seen, Seen]:
        """Run one block of each tree; return ours, then theirs.

        Both have the same conditions: their turns are a fraction of a second apart. Raises
        PerfError where a block fails, or both together take more than two hours.
        """
        sides = [self._side(self.ours), self._side(self.theirs)]
        clocks = {
            SCENARIO_ARM: sides[0].clock.now,
            REFERENCE_ARM: sides[1].clock.now,
        }
        with instruments.blocks_in_turns(clocks) as readings, self._stopped(sides):
            self._take_turns(sides if ours_first else sides[::-1])
        ours, theirs = (
            _seen(side, readings[name]) for side, name in zip(sides, clocks, strict=True)
        )
        for record in ours.block.run.records if on_record else ():
            assert on_record
            on_record(record)
        return ours, theirs

    def _take_turns(self, sides: list[_Side]) -> None:
        until_s = time.monotonic() + _MOST_S
        while not all(side.ended for side in sides):
            if time.monotonic() > until_s:
                raise ChildError(f"two blocks did not end within {_MOST_S:g} s")
            for side in sides:
                if not side.ended:
                    side.take_turn(self.turn_s)

    @contextmanager
    def _stopped(self, sides: list[_Side]) -> Iterator[None]:
        """Stop both trees, and let them continue afterwards, whatever happens."""
        groups = frozenset().union(*(side.freezer.groups for side in sides))
        pids = frozenset().union(*(side.freezer.pids for side in sides))
        self._tell(groups, pids)
        with ExitStack() as stack:
            stack.callback(self._tell, frozenset(), frozenset())
            for side in sides:
                stack.callback(side.freezer.go)
            for side in sides:
                side.freezer.stop()
            yield

    def _tell(self, groups: frozenset[int], pids: frozenset[int]) -> None:
        self.guard.send((groups, pids))
        self.guard.receive(time.monotonic() + _GUARD_S)

    @staticmethod
    def _side(arm: HostedArm) -> _Side:
        return _Side(arm, Freezer.of((*arm.host_pids(), *arm.server_pids())))


def _seen(side: _Side, reading: BlockReading) -> Seen:
    """Return the block of a tree, with all its times told by the tree's own clock."""
    block, clock = side.arm.end_block(), side.clock
    totals = block.run.totals
    origin_s = totals.began_s - clock.before(totals.began_s)

    def told(at_s: float) -> float:
        return origin_s + clock.before(at_s)

    records = tuple(
        one._replace(
            scheduled_s=told(one.scheduled_s),
            launched_s=told(one.launched_s),
            started_s=told(one.started_s),
            ended_s=told(one.ended_s),
        )
        for one in block.run.records
    )
    run = BlockRun(records, totals._replace(ended_s=told(totals.ended_s)))
    spans = clock.spans(totals.began_s, totals.ended_s)
    return Seen(replace(block, run=run), reading, spans=spans)
