"""Compute how exact a search for the capacity is, on a simulated server.

    python docs/simulate_capacity.py [--runs N]

The server answers one request after the other, each in the same time, and requests arrive
at random (M/D/1). So its capacity is known. Times are computed, not waited for.
The first table has the capacity that runs of 1, 2 and 4 launches find. The second one has
the change between two trees, launch by launch: the speed of each launch varies as that of
real launches does, and the second tree is slower.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from perf.experiment.arms import Found  # noqa: E402 -- needs the path set above
from perf.load.arrivals.poisson import PoissonArrivals  # noqa: E402 -- needs the path set above
from perf.stats.capacity import pooled_capacity  # noqa: E402 -- needs the path set above
from tests.perf.experiment.one_server import OneServer, searching  # noqa: E402 -- needs the path set above
from tests.support.queueing import capacity_rps  # noqa: E402 -- needs the path set above

SHARE = 0.99
SERVERS = ((0.1, 1.0), (0.05, 1.0), (0.04, 0.2), (0.02, 0.2))
"""The time of a request and that of the SLO, in seconds.

The common error of searches (`perf.stats.capacity.SEARCH_SD`) was chosen on these.
"""

OTHERS = ((0.08, 0.5), (0.03, 0.3), (0.2, 1.0), (0.01, 0.1), (0.06, 2.0))
"""More such servers, on which it is tested."""

LAUNCHES = (1, 2, 4)
SPEED_SD = 0.016
"""How much the speed of launches of the same code differs: the prior of throughput."""

LOSSES = (0.0, 0.05, 0.1, 0.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=24, metavar="N")
    runs: int = parser.parse_args(arguments).runs
    headings = ["request", "SLO", "launches", "over the true one", "interval right", "time"]
    rows = [row for server in (*SERVERS, *OTHERS) for row in _exactness(*server, runs)]
    _write(rows, headings)
    headings = ["request", "SLO", "loss", "mean change", "deviation of a launch"]
    rows = [_change(*server, loss, runs) for server in SERVERS for loss in LOSSES]
    _write(rows, headings)
    return 0


def _write(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    sys.stdout.write(f"{tabulate(rows, headings, tablefmt='github')}\n\n")


def _searches(times_s: Sequence[float], slo_s: float, seed: int) -> list[Found]:
    """Return what each launch of a run finds; `times_s` has the time of a request in each.

    The same `seed` gives the same arrivals.
    """
    server = OneServer()
    arm = searching(server, slo_s=slo_s, arrivals=PoissonArrivals(1.0))
    arm.seed = seed
    found = []
    for time_s in times_s:
        server.service_s = time_s
        arm.relaunch()
        search = arm.block().found
        assert search is not None
        found.append(search)
    return found


def _exactness(time_s: float, slo_s: float, runs: int) -> Iterator[list[str]]:
    """Yield a row for each number of launches."""
    most = max(LAUNCHES)
    true_rps = capacity_rps(SHARE, slo_s, time_s)
    each = [_searches([time_s] * most, slo_s, most * run) for run in range(runs)]
    for launches in LAUNCHES:
        over, right, lasted_s = [], 0, []
        for run, searches in enumerate(each):
            probes = [one.probes for one in searches[:launches]]
            found = pooled_capacity(probes, SHARE, seed=run)
            assert found is not None
            over.append(found.rps / true_rps)
            right += found.low_rps <= true_rps <= found.high_rps
            lasted_s += [
                sum(probe.scheduled / probe.rate_rps for probe in one) for one in probes
            ]
        yield [
            f"{1e3 * time_s:.0f} ms",
            f"{1e3 * slo_s:.0f} ms",
            str(launches),
            f"{statistics.mean(over):.2f} ({statistics.stdev(over):.2f})",
            f"{right} of {runs}",
            f"{statistics.mean(lasted_s):.0f} s",
        ]


def _change(time_s: float, slo_s: float, loss: float, runs: int) -> list[str]:
    """Return the row of one loss: the capacity of the slower tree over the other's."""
    rng = np.random.default_rng(7)
    most = max(LAUNCHES)
    changes: list[float] = []
    for run in range(runs):
        ours, theirs = time_s * np.exp(rng.normal(0.0, SPEED_SD, (2, most)))
        slower = _searches((ours / (1.0 - loss)).tolist(), slo_s, most * run)
        other = _searches(theirs.tolist(), slo_s, most * run)
        changes += [
            math.log(one.capacity_rps / another.capacity_rps)
            for one, another in zip(slower, other, strict=True)
        ]
    return [
        f"{1e3 * time_s:.0f} ms",
        f"{1e3 * slo_s:.0f} ms",
        f"{100 * loss:.0f} %",
        f"{100 * math.expm1(statistics.mean(changes)):+.1f} %",
        f"{100 * statistics.stdev(changes):.1f} %",
    ]


if __name__ == "__main__":
    sys.exit(main())
