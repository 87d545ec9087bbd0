"""A pool that answers like one server, and arms whose requests it answers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from perf.experiment.capacity import CapacityArm
from perf.experiment.pool_arms import LocalArm
from perf.experiment.scheduled_arms import RateArm, Slo
from perf.experiment.workload import Workload
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.constant import ConstantRate
from perf.load.jobs.targets import LocalModel
from perf.load.pools.base import BlockRun, OnRecord
from perf.load.record import BlockRequest, BlockTotals, JobRecord
from tests.support.fakes import EXPECTED, IMAGE, TOP

WRONG = ((1, 0.9),)


@dataclass
class OneServer:
    """A pool whose server answers one request after the other, in `service_s` each.

    Times are computed, so a block takes no time.
    """

    service_s: float = 0.1
    late_s: float = 0.0
    """How late every request is sent ..."""

    late_blocks: int = 10**6
    """... in so many blocks."""

    connections: int = 10**6
    """How many requests may be under way; others are sent when one of them ends."""

    failing: int = 0
    """How many requests of each block fail."""

    wrong: int = 0
    lost: int = 0
    """How many requests of each block are never sent."""

    miscounted: float = 1.0
    """What the client counts as under way, over what there was."""

    requests: list[BlockRequest] = field(default_factory=list)

    def run(self, request: BlockRequest, on_record: OnRecord | None = None) -> BlockRun:
        """Answer every request of the block."""
        self.requests.append(request)
        late_s = self.late_s if len(self.requests) <= self.late_blocks else 0.0
        records: list[JobRecord] = []
        free_s = 0.0
        times = itertools.islice(request.arrivals.times_s(), len(request.images))
        for place, time_s in enumerate(times):
            due_s = free_s if time_s is None else time_s
            sent_s = due_s + late_s
            if place >= self.connections:
                sent_s = max(sent_s, records[place - self.connections].ended_s)
            free_s = max(free_s, sent_s) + self.service_s
            error = "no answer" if place < self.failing else ""
            answer = WRONG if place < self.wrong else TOP
            records.append(JobRecord(place, due_s, sent_s, sent_s, free_s, answer, error))
        records = records[self.lost :]
        for one in records:
            if on_record:
                on_record(one)
        under_way_s = sum(one.ended_s - one.scheduled_s for one in records)
        totals = BlockTotals(0.0, free_s, 0.0, 0.0, self.miscounted * under_way_s)
        return BlockRun(tuple(records), totals)

    def relaunch(self) -> None:
        """Do nothing."""

    def root_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def stop(self) -> None:
        """Do nothing."""


# Any file that exists: a launch has it read from disk again.
MODEL = LocalModel(__file__, "preprocess.json", 1)


def inner(pool: OneServer, rate_rps: float, arrivals: Arrivals | None = None) -> LocalArm:
    """Return an arm whose jobs the pool runs, 200 a block."""
    workload = Workload(
        [IMAGE],
        200,
        4,
        60.0,
        EXPECTED,
        arrivals=arrivals or ConstantRate(rate_rps),
        most_under_way=900,
    )
    return LocalArm(pool, MODEL, workload)


def at_rate(pool: OneServer, rate_rps: float = 5.0, slo_s: float = 1.0) -> RateArm:
    """Return an arm with a fixed rate."""
    return RateArm(
        name="row",
        inner=inner(pool, rate_rps),
        slo=Slo(slo_s=slo_s),
        seed=0,
        clients_stand=True,
    )


def searching(
    pool: OneServer, slo_s: float = 1.0, arrivals: Arrivals | None = None
) -> CapacityArm:
    """Return an arm that searches its capacity."""
    return CapacityArm(
        name="row",
        inner=inner(pool, 1.0, arrivals),
        slo=Slo(slo_s=slo_s),
        seed=0,
        clients_stand=True,
    )
