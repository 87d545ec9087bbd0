"""Arms whose jobs begin at scheduled times, whatever became of the jobs before them.

A request without an answer in time is no fault of the measurement there: it counts against
the server. What ends the measurement is a wrong answer, and a client that was too slow.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from perf.config.options import argument
from perf.experiment.answers import Counts
from perf.experiment.arms import MeasuredBlock
from perf.experiment.pool_arms import PoolArm
from perf.judge.client_limits import client_limits
from perf.load.arrivals.base import Arrivals
from perf.load.pools.base import OnRecord
from perf.stats.offered import Offered
from serving.errors import PerfError

MOST_AGAIN = 2
"""How often requests are offered again because the client was the limit.

Another process can hold the client up once. A client that is too slow is so every time.
"""


SEEDS_APART = 1000
"""How far the seeds of a user lie apart, so that no two have schedules in common."""


class ClientLimitError(PerfError):
    """The client was too slow for the rate that it offered, or lost requests."""


class SloError(PerfError):
    """The SLO asks for less time than any request takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What is asked of a server: `share` of the requests within `slo_s` seconds."""

    slo_s: float = math.inf
    share: float = 0.99

    def __str__(self) -> str:
        return f"{100 * self.share:g} % within {1e3 * self.slo_s:g} ms"


@dataclass(slots=True, kw_only=True)
class ScheduledArm(ABC):
    """Offers requests to what `inner` has launched."""

    name: str
    inner: PoolArm
    slo: Slo

    seed: int
    """Of the arrivals, which are the same in both arms of a pair."""

    clients_stand: bool
    """Whether requests are sent by a standing client, so that lateness is its doing."""

    _warming: bool = field(default=False, init=False)
    _quickest_s: float = field(default=math.inf, init=False)
    _images: int = field(default=0, init=False)
    """How many images were offered since the block began, all tries together."""

    @property
    def slots(self) -> int:
        """How many jobs run at a time in a closed loop."""
        return self.inner.slots

    @property
    def block_images(self) -> int:
        """How many images a block has."""
        return self.inner.block_images

    def begin_relaunch(self) -> None:  # noqa: B027 -- nothing to begin, for either arm
        """Do nothing."""

    def relaunch(self) -> None:
        """Start new jobs and a new server."""
        self.inner.relaunch()

    def warm_up(self) -> MeasuredBlock:
        """Run a block in a closed loop that is not measured."""
        self._warming = True
        return self.inner.warm_up()

    @property
    def may_be_late_below(self) -> float:
        """The attainment below which late requests are the server's doing; 0: never."""
        return 0.0

    @abstractmethod
    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block; raises ClientLimitError."""

    def check(self, block: MeasuredBlock) -> Counts:
        """Return the wrong answers, and the requests that missed.

        In a warm-up every request must be answered.
        """
        counts = self.inner.check(block)
        if not self._warming:
            counts.failed, counts.missed = 0, counts.failed
            if not counts.wrong:
                counts.first_error = ""
        return counts

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server reports."""
        return self.inner.observed()

    def job_pids(self) -> tuple[int, ...]:
        """Return the root processes of the jobs."""
        return self.inner.job_pids()

    def server_pids(self) -> tuple[int, ...]:
        """Return the root processes of the server."""
        return self.inner.server_pids()

    def host_pids(self) -> tuple[int, ...]:
        """Return nothing: this process runs the arm."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """Return facts about the server."""
        return self.inner.describe()

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        return self.inner.log_tail()

    def stop(self) -> None:
        """Stop the server."""
        self.inner.stop()

    def _offer(
        self, arrivals: Arrivals, jobs: int, on_record: OnRecord | None
    ) -> tuple[MeasuredBlock, Offered]:
        """Offer `jobs` requests, in time at the last try; raises ClientLimitError."""
        self._warming = False
        for _ in range(MOST_AGAIN):
            with suppress(ClientLimitError):
                return self._offer_once(arrivals, jobs, on_record)
        return self._offer_once(arrivals, jobs, on_record)

    def _offer_once(
        self, arrivals: Arrivals, jobs: int, on_record: OnRecord | None
    ) -> tuple[MeasuredBlock, Offered]:
        self._images += jobs
        block = self.inner.offer(arrivals, jobs, on_record)
        offered = self.inner.offered(block)
        self._refuse_slo(offered)
        if not self.clients_stand:
            return block, offered
        signs = client_limits(
            offered,
            scheduled=jobs,
            slots=self.inner.workload.most_under_way,
            slo_s=self.slo.slo_s,
            counted_s=block.run.totals.under_way_s,
            share=self.may_be_late_below,
        )
        if signs:
            rate_rps = arrivals.rate_rps
            raise ClientLimitError(
                f"{self.name}: the client was the limit at {rate_rps:.3g} requests/s: "
                f"{'; '.join(signs)}"
            )
        return block, offered

    def _refuse_slo(self, offered: Offered) -> None:
        """Raise SloError where not even the quickest answer so far was in time.

        At a rate that is too high every answer can be slow, so earlier ones count too.
        """
        quickest_s = float(offered.service_s[offered.right].min(initial=math.inf))
        quickest_s = self._quickest_s = min(quickest_s, self._quickest_s)
        if self.slo.slo_s < quickest_s < math.inf:
            raise SloError(
                f"{self.name}: the SLO of {self.slo} cannot be met: the quickest request "
                f"took {1e3 * quickest_s:.0f} ms; allow more with {argument('slo')}, or "
                "with slo_ms in the table"
            )


@dataclass(slots=True, kw_only=True)
class RateArm(ScheduledArm):
    """Offers every block at the rate of the row. Each block has arrivals of its own."""

    _blocks: int = field(default=0, init=False)

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block; its goodput is the share of good requests, times the rate.

        Without any good request it is half of one: a share of zero has no logarithm.
        """
        arrivals = self.inner.workload.arrivals
        rate_rps = arrivals.rate_rps
        assert rate_rps is not None
        pattern = arrivals.seeded(SEEDS_APART * self.seed + self._blocks)
        self._blocks += 1
        self._images = 0
        block, offered = self._offer(pattern, self.block_images, on_record)
        good = max(0.5, float(offered.good(self.slo.slo_s).sum()))
        goodput_rps = good / self.block_images * rate_rps
        beside = self._images - len(block.images)
        return replace(block, goodput_rps=goodput_rps, beside=beside)
