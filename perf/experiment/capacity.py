"""An arm whose block is a search for its capacity, request by request on a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from perf.experiment.answers import Counts
from perf.experiment.arms import Found, MeasuredBlock
from perf.experiment.scheduled_arms import SEEDS_APART, ScheduledArm
from perf.experiment.search import Search
from perf.experiment.typical_arrivals import load_in_time, typical
from perf.load.arrivals.closed import ClosedLoop
from perf.load.pools.base import BlockRun, OnRecord
from perf.load.record import BlockTotals, JobRecord
from perf.stats.capacity import Probe
from serving.errors import PerfError

PROBE_S = 25.0
"""How long a probe is, at most, where ..."""

REQUESTS = 724
"""... it has no more requests than this. At a high rate it is shorter, but lasts ..."""

SHORTEST_S = 6.0
"""... at least this, and ..."""

PROBE_SLOS = 6.0
"""... at least so many times the SLO's time.

At a rate too high by a share `s`, the last request of `t` seconds waits for `s * t`.
"""

SIZES = tuple(round(32 * 2 ** (step / 2)) for step in range(28))
"""How many requests a probe may have.

With few sizes, two trees at nearly the same rate have the same arrivals.
"""


_LOWEST_LOAD = 0.25
"""Where the guess begins if one request takes as long as the SLO allows."""


class NoCapacityError(PerfError):
    """No rate met the SLO, or every rate did."""


@dataclass(slots=True, kw_only=True)
class CapacityArm(ScheduledArm):
    """Searches the capacity of `inner` in each block.

    The throughput of such a block is the capacity. The first search begins at the capacity
    of a server with a constant service time and the closed loop's throughput, later ones
    at the capacity that was found. Each launch has arrivals of its own.
    """

    _launch: int = field(default=-1, init=False)
    _closed_rps: float | None = field(default=None, init=False)
    _capacity_rps: float | None = field(default=None, init=False)
    _blocks: list[MeasuredBlock] = field(default_factory=list, init=False)

    @property
    def block_images(self) -> int:
        """How many images a block has, about: a search has no fixed number."""
        return REQUESTS

    @property
    def may_be_late_below(self) -> float:
        """The share that the SLO asks for: a missed probe may overload the server."""
        return self.slo.share

    def relaunch(self) -> None:
        """Start new jobs and a new server."""
        self._launch += 1
        self._closed_rps = None
        self.inner.relaunch()

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Search the capacity; raises ClientLimitError and NoCapacityError."""
        self._blocks, self._images = [], 0
        if self._closed_rps is None:
            self._closed_rps = self._closed_loop(on_record)
        search = Search(self.slo.share, self._capacity_rps or self._guess_rps())
        found_rps = search.run(lambda rate_rps: self.probe(rate_rps, on_record))
        if found_rps is None:
            raise NoCapacityError(self._why_none(search))
        self._capacity_rps = found_rps
        share, probes = self.slo.share, tuple(search.probes)
        found = Found(
            found_rps, self._closed_rps, share, probes, jobs_pile_up=not self.clients_stand
        )
        block = _joined(self._blocks, found)
        return replace(block, beside=self._images - len(block.images))

    def probe(
        self, rate_rps: float, on_record: OnRecord | None = None, *, least: int = 0
    ) -> Probe:
        """Offer requests at one rate, at least `least`; raises ClientLimitError."""
        jobs = max(size_of_probe(rate_rps, self.slo.slo_s), least)
        pattern = self.inner.workload.arrivals.at_rate(rate_rps)
        pattern = typical(pattern, jobs, SEEDS_APART * self.seed + self._launch)
        block, offered = self._offer(pattern, jobs, on_record)
        self._blocks.append(block)
        return offered.probe(rate_rps, self.slo.slo_s)

    @property
    def probed(self) -> Sequence[MeasuredBlock]:
        """The blocks of the probes since the last search began, and of the search."""
        return self._blocks

    def _closed_loop(self, on_record: OnRecord | None) -> float:
        """Return the throughput of a closed loop; raises JobsFailedError."""
        self._images += self.inner.block_images
        block = self.inner.offer(ClosedLoop(), self.inner.block_images, on_record)
        counts: Counts = self.inner.check(block)
        counts.raise_if_bad(f"{self.name}, closed loop")
        return block.throughput_rps

    def _guess_rps(self) -> float:
        """Return the capacity if each request took the same time."""
        assert self._closed_rps is not None
        within = self.slo.slo_s * self._closed_rps
        load = load_in_time(self.inner.workload.arrivals, within, self.slo.share)
        return self._closed_rps * max(load, _LOWEST_LOAD)

    def _why_none(self, search: Search) -> str:
        rates = [probe.rate_rps for probe in search.probes]
        if search.highest_met is not None:
            return (
                f"{self.name}: even {max(rates):.3g} requests/s met the SLO of {self.slo}"
            )
        return (
            f"{self.name}: even {min(rates):.3g} requests/s did not meet the SLO of "
            f"{self.slo}"
        )


def size_of_probe(rate_rps: float, slo_s: float) -> int:
    """Return how many requests a probe has."""
    least = max(SHORTEST_S, PROBE_SLOS * slo_s) * rate_rps
    wanted = max(min(PROBE_S * rate_rps, REQUESTS), least)
    known = [size for size in SIZES if least <= size <= wanted]
    return known[-1] if known else min(s for s in SIZES if s >= min(least, SIZES[-1]))


def _joined(blocks: list[MeasuredBlock], found: Found) -> MeasuredBlock:
    """Return all probes as one block, whose throughput is the capacity."""
    records: list[JobRecord] = []
    images: list[str] = []
    for block in blocks:
        place = len(images)
        records += [one._replace(image=one.image + place) for one in block.run.records]
        images += block.images
    totals = [block.run.totals for block in blocks]
    joined = BlockTotals(
        totals[0].began_s,
        totals[-1].ended_s,
        sum(one.pool_cpu_s for one in totals),
        sum(one.jobs_cpu_s for one in totals),
        sum(one.under_way_s for one in totals),
    )
    return MeasuredBlock(BlockRun(tuple(records), joined), tuple(images), found)
