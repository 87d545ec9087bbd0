"""Compute how far the capacities of two equal servers differ, for several SLOs.

    python docs/simulate_share.py [--runs N]

A server answers batches of requests that arrive at random. The pace of its machine changes
at random too: by the given deviation, and half of a change is gone after some seconds
(an Ornstein-Uhlenbeck process). Each search is corrected for the mean pace of each probe,
as in a real run. Times are computed, not waited for.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from perf.experiment.capacity import size_of_probe  # noqa: E402 -- needs the path set above
from perf.experiment.search import Search  # noqa: E402 -- needs the path set above
from perf.experiment.typical_arrivals import load_in_time, typical  # noqa: E402 -- needs the path set above
from perf.load.arrivals.poisson import PoissonArrivals  # noqa: E402 -- needs the path set above
from perf.stats.capacity import Probe, at_pace, capacity_rps, effective_size  # noqa: E402 -- needs the path set above

SHARES = (0.99, 0.95, 0.9)
PACES = ((0.0, 1.0), (0.08, 2.0), (0.12, 6.0))
"""The deviation of the pace, as a logarithm, and the half-life of a change in seconds."""

SLO_S = 2.0
SPEED_SD = 0.016
"""How much the speed of launches of the same code differs: the prior of throughput."""

PAUSE_S = 1.0
"""Between two probes."""

STEP_S = 0.1
"""The pace is constant for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchServer:
    """A server that waits for a batch for a while, and needs a time for each batch."""

    name: str
    first_s: float
    """The time of a batch of one request."""

    further_s: float = 0.0
    """The time of each further request in it."""

    batch: int = 1
    delay_s: float = 0.0
    """How long it waits for a full batch."""

    @property
    def full_rps(self) -> float:
        """What it can do with full batches, in requests a second."""
        return self.batch / (self.first_s + self.further_s * (self.batch - 1))


SERVERS = (
    BatchServer(name="200 ms, one by one", first_s=0.2),
    BatchServer(
        name="0.25 to 1.2 s, 8", first_s=0.25, further_s=0.13, batch=8, delay_s=0.1
    ),
    BatchServer(
        name="0.05 to 0.25 s, 8", first_s=0.05, further_s=0.028, batch=8, delay_s=0.1
    ),
)


@dataclass(slots=True)
class Machine:
    """One launch on a machine whose pace changes."""

    rng: np.random.Generator
    pace_sd: float
    half_life_s: float

    now_s: float = 0.0
    _logs: list[float] = field(default_factory=list)

    def pace(self, at_s: float) -> float:
        """Return the pace at one time."""
        return math.exp(self._log(int(at_s / STEP_S)))

    def mean_pace(self, from_s: float, to_s: float) -> float:
        """Return the geometric mean of the pace between two times."""
        steps = range(int(from_s / STEP_S), int(to_s / STEP_S) + 1)
        return math.exp(statistics.fmean(self._log(step) for step in steps))

    def _log(self, step: int) -> float:
        kept = 0.5 ** (STEP_S / self.half_life_s)
        while len(self._logs) <= step:
            before = self._logs[-1] if self._logs else self.rng.normal(0.0, self.pace_sd)
            new_sd = self.pace_sd * math.sqrt(1.0 - kept**2)
            self._logs.append(kept * before + self.rng.normal(0.0, new_sd))
        return self._logs[step]


def serve(
    server: BatchServer, machine: Machine, arrivals_s: NDArray[np.float64], speed: float
) -> NDArray[np.float64]:
    """Return when each request ends; `arrivals_s` and the result have shape (requests,)."""
    ends_s = np.empty_like(arrivals_s)
    free_s, begin = 0.0, 0
    while begin < len(arrivals_s):
        full_s = max(free_s, arrivals_s[begin]) + server.delay_s
        waiting = int(np.searchsorted(arrivals_s, full_s, side="right")) - begin
        size = min(max(waiting, 1), server.batch)
        last_s = float(arrivals_s[begin + size - 1])
        start_s = max(free_s, last_s) if size == server.batch else full_s
        lasts_s = server.first_s + server.further_s * (size - 1)
        free_s = start_s + lasts_s / (speed * machine.pace(machine.now_s + start_s))
        ends_s[begin : begin + size] = free_s
        begin += size
    return ends_s


def searched_rps(server: BatchServer, machine: Machine, share: float, seed: int) -> float:
    """Return the capacity that one search finds, at a pace of 1."""
    speed = math.exp(machine.rng.normal(0.0, SPEED_SD))
    unit = PoissonArrivals(1.0)
    paces: list[float] = []

    def probe(rate_rps: float) -> Probe:
        jobs = size_of_probe(rate_rps, SLO_S)
        drawn = typical(unit.at_rate(rate_rps), jobs, seed).times_s()
        arrivals_s = np.array([float(one or 0.0) for one in itertools.islice(drawn, jobs)])
        ends_s = serve(server, machine, arrivals_s, speed)
        bad = ends_s - arrivals_s > SLO_S
        over_s = machine.now_s + float(ends_s[-1])
        paces.append(machine.mean_pace(machine.now_s, over_s))
        machine.now_s = over_s + PAUSE_S
        return Probe(
            rate_rps=rate_rps,
            scheduled=jobs,
            good=jobs - int(bad.sum()),
            effective=effective_size(bad.tolist()),
        )

    load = max(load_in_time(unit, SLO_S * server.full_rps, share), 0.25)
    search = Search(share, server.full_rps * load)
    raw_rps = search.run(probe)
    at_one = [at_pace(*seen, 1.0) for seen in zip(search.probes, paces, strict=True)]
    found_rps = capacity_rps(at_one, share)
    if found_rps is None:  # corrected, the rates lie in another order
        assert raw_rps is not None
        found_rps = raw_rps / statistics.geometric_mean(paces)
    return found_rps


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40, metavar="N")
    runs: int = parser.parse_args(arguments).runs
    headings = ["time of a batch", "pace", "half-life", "SLO", "capacity", "deviation"]
    points = itertools.product(SERVERS, PACES, SHARES)
    rows = [_row(server, pace, share, runs) for server, pace, share in points]
    sys.stdout.write(f"{tabulate(rows, headings, tablefmt='github')}\n")
    return 0


def _row(
    server: BatchServer, pace: tuple[float, float], share: float, runs: int
) -> list[str]:
    """Return the row of one server, one kind of machine and one share."""
    rng = np.random.default_rng(1)
    found = [
        [searched_rps(server, Machine(rng, *pace), share, run) for _ in range(2)]
        for run in range(runs)
    ]
    changes = [math.log(ours / theirs) for ours, theirs in found]
    mean_rps = statistics.fmean(one for both in found for one in both)
    return [
        server.name,
        f"{100 * pace[0]:.0f} %",
        f"{pace[1]:.0f} s",
        f"{100 * share:.0f} %",
        f"{mean_rps:.2f}/s of {server.full_rps:.2f}/s",
        f"{100 * statistics.stdev(changes):.1f} %",
    ]


if __name__ == "__main__":
    sys.exit(main())
