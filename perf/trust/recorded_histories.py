"""Histories of unchanged code that were really recorded: the launches of runs, in order.

No machine has recorded months of nights yet. So a launch stands for a night here. That is
harder: launches of one hour resemble their neighbours more than nights do.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf.judge.baselines import BaselineStore
from perf.judge.stored import StoredPair
from perf.stats import THROUGHPUT, Block, Pair
from perf.stats.change_points import FEWEST_RUNS
from perf.trust.outcomes import Outcome, read_live
from perf.trust.recordings import FOLDER, Kind, Recording, read_recordings

_BASELINES = Path(__file__).parents[2] / "baselines"
_OLD = FOLDER / "without-pace"
_FEWEST = 2 * FEWEST_RUNS
_Goodness = float | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The launches of one arm of a scenario, in the order of time."""

    machine: str
    scenario: str
    at: str
    launches: tuple[float, ...]
    """The logarithm of the mean throughput of each, at equal pace."""


def within_runs(found: Sequence[Recorded]) -> list[tuple[float, ...]]:
    """Return the histories that are one run, if they have enough launches."""
    return [one.launches for one in found if len(one.launches) >= _FEWEST]


def across_runs(found: Sequence[Recorded]) -> list[tuple[float, ...]]:
    """Return the histories that join all runs of a scenario on one machine."""
    joined: dict[tuple[str, str], list[Recorded]] = {}
    for one in sorted(found, key=lambda one: one.at):
        joined.setdefault((one.machine, one.scenario), []).append(one)
    histories = [
        tuple(value for one in runs for value in one.launches)
        for runs in joined.values()
        if len({one.at for one in runs}) > 1
    ]
    return [launches for launches in histories if len(launches) >= _FEWEST]


def with_pace(runtime: str = "process") -> list[Recorded]:
    """Return what was recorded with pace: recordings, live runs and baselines."""
    found: list[Recorded] = []
    for machine, recordings in read_recordings(runtime).items():
        for one in recordings:
            found += _of_recording(machine, one)
    found += [_of_live(one) for one in read_live()]
    known = {(one.scenario, one.at) for one in found}
    for baseline in BaselineStore(_BASELINES).all():
        for run in baseline.runs:
            made = _recorded("", baseline.name, run.recorded, run.sample.pairs, _scenario)
            if (made.scenario, made.at) not in known:  # else it is a recording too
                found.append(made)
    return [one for one in found if one.launches]


def without_pace() -> list[Recorded]:
    """Return older runs, whose throughput is taken over that of the yardstick."""
    found = []
    # What lies in exploration/ has another form, and another yardstick in each file.
    for path in sorted([*_OLD.glob("*.json"), *_OLD.glob("other-hosts/*.json")]):
        raw = json.loads(path.read_text("utf-8"))
        for name, rows in raw["scenarios"].items():
            pairs = [StoredPair.model_validate(row).pair() for row in rows]
            machine = f"{path.parent.name} {raw['runtime']}"
            found.append(_recorded(machine, name, raw["recorded"], pairs, _efficiency))
    return [one for one in found if one.launches]


def _of_recording(machine: str, one: Recording) -> Iterator[Recorded]:
    beside = one.kind is Kind.SIDE_BY_SIDE
    for name, rows in one.scenarios.items():
        pairs = [row.pair() for row in rows]
        yield _recorded(machine, name, one.recorded, pairs, _scenario)
        if beside:  # the other tree has the same code, and servers of its own
            yield _recorded(f"{machine}, other tree", name, one.recorded, pairs, _reference)


def _of_live(one: Outcome) -> Recorded:
    """Return the arm that is never made slower: the reference."""
    pairs = [row.pair() for row in one.pairs]
    return _recorded("live", one.scenario, one.at, pairs, _reference)


def _recorded(
    machine: str,
    name: str,
    at: str,
    pairs: Sequence[Pair],
    goodness: Callable[[Pair], float | None],
) -> Recorded:
    launches: dict[int, list[float]] = {}
    for pair in pairs:
        value = goodness(pair)
        if value is None:
            return Recorded(machine, name, at[:16], ())
        launches.setdefault(pair.launch, []).append(value)
    means = tuple(statistics.fmean(values) for values in launches.values())
    return Recorded(machine, name, at[:16], means)


def _of_block(block: Block) -> _Goodness:
    return THROUGHPUT.goodness(block) if block.figure == THROUGHPUT.name else None


def _scenario(pair: Pair) -> _Goodness:
    return _of_block(pair.scenario)


def _reference(pair: Pair) -> _Goodness:
    return _of_block(pair.reference)


def _efficiency(pair: Pair) -> _Goodness:
    if not pair.yardstick_rps:
        return None
    return math.log(pair.scenario.rps) - math.log(pair.yardstick_rps)
