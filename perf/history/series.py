"""From the lines of the history to what the page of the trend shows."""

from __future__ import annotations

import math
import shlex
import statistics
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from perf.history.entry import Entry
from perf.history.find import Find, command_of
from perf.report.trend.history import Shift, TrendRun, TrendSeries
from perf.stats import CAPACITY, GOODPUT, THROUGHPUT, Estimate, Verdict
from perf.stats.change_points import change_points, shift

MOST_RUNS = 120
"""How many runs of a series are shown, and searched for changes."""

_CONFIDENCE = 0.95
_DIGITS = 12
_APART = 3  # runs from the place of a change that are on the right side: it errs by two
_QUANTITIES = {one.name: one for one in (THROUGHPUT, GOODPUT, CAPACITY)}
Commits = Callable[[str, str], Sequence[str] | None]
"""Returns the commits after one commit up to another, or None where git does not know."""


def series_of(
    entries: Sequence[Entry], commits: Commits, most: int = MOST_RUNS
) -> list[TrendSeries]:
    """Return the series: all results with the same `Entry.series` are one.

    `entries` are in the order of time, and series in that of their first result.
    """
    grouped: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.series, []).append(entry)
    return [_series(runs, commits, most) for runs in grouped.values()]


def _series(entries: Sequence[Entry], commits: Commits, most: int) -> TrendSeries:
    shown = entries[-most:]
    runs = list(_runs(shown))
    known = [place for place, run in enumerate(runs) if run.counts]
    logs = [math.log(_level(runs[place])) for place in known]
    found = change_points(logs, _rng(shown[0]))
    newest = shown[-1]
    return TrendSeries(
        name=newest.scenario,
        about=_about(newest),
        figure=newest.figure,
        runs=runs,
        shifts=list(_shifts(shown, known, logs, found, commits)),
        levels=_levels(len(runs), known, logs, found),
        left_out=len(entries) - len(shown),
    )


def _about(entry: Entry) -> str:
    """Return in words what all results of the series share, beside the scenario."""
    shared = [
        f"machine class {entry.machine_class}",
        f"CPU {entry.cpu or 'unknown'}",
        f"runtime {entry.runtime}",
        f"device {entry.computer}",
        f"profile {entry.profile}",
        f"model {entry.model}",
    ]
    if entry.options:
        shared.append(f"options {shlex.join(entry.options)}")
    return "; ".join(shared)


def _rng(entry: Entry) -> np.random.Generator:
    """Return what draws the permutations: the same for the same series."""
    return np.random.default_rng(zlib.crc32(" ".join(entry.series).encode()))


def _level(run: TrendRun) -> float:
    assert run.level is not None
    return run.level.point


def _runs(entries: Sequence[Entry]) -> Iterator[TrendRun]:
    paces = [entry.pace for entry in entries if entry.pace]
    pace = statistics.geometric_mean(paces) if paces else 1.0
    for before, entry in pairwise((None, *entries)):
        assert entry is not None
        invalid = entry.verdict is Verdict.INVALID
        yield TrendRun(
            at=f"{entry.time:%Y-%m-%d %H:%M}",
            commit=entry.commit,
            changed=entry.changed,
            verdict=entry.verdict,
            level=_at(entry, pace),
            measured_rps=entry.throughput_rps,
            counts=entry.level is not None and not (invalid or entry.disturbed),
            baseline=entry.baseline,
            news=list(_news(before, entry)) if before else [],
        )


def _at(entry: Entry, pace: float) -> Estimate | None:
    """Return the level at the mean pace of the series."""
    found = entry.level
    if found is None:
        return None
    return Estimate(
        point=pace * found.estimate,
        low=pace * found.low,
        high=pace * found.high,
        confidence=_CONFIDENCE,
    )


def _news(before: Entry, entry: Entry) -> Iterator[str]:
    for key in sorted(before.about.keys() | entry.about.keys()):
        old, new = before.about.get(key, "none"), entry.about.get(key, "none")
        if old != new:
            yield f"{key} {old} -> {new}"


def _shifts(
    entries: Sequence[Entry],
    known: Sequence[int],
    logs: Sequence[float],
    found: Sequence[int],
    commits: Commits,
) -> Iterator[Shift]:
    quantity = _QUANTITIES.get(entries[0].figure, THROUGHPUT)
    edges = [0, *found, len(logs)]
    for (start, at), (_, end) in pairwise(pairwise(edges)):
        change = shift(logs[start:at], logs[at:end], quantity)
        first = known[max(start, at - _APART)]
        last = known[min(end, at + _APART) - 1]
        good, bad = entries[first], entries[last]
        between = None
        if good.commit and bad.commit:
            between = commits(good.commit, bad.commit)
        runs = entries[first : last + 1]
        command, why = command_of(Find(runs, change, between))
        yield Shift(
            place=known[at],
            good=first,
            bad=last,
            change=change,
            commits=between,
            command=command,
            why_no_command=why,
        )


def _levels(
    number: int, known: Sequence[int], logs: Sequence[float], found: Sequence[int]
) -> list[float | None]:
    """Return the mean of the part in which each run lies; None before the first."""
    levels: list[float | None] = [None] * number
    for start, end in pairwise([0, *found, len(logs)]):
        if start == end:
            continue
        mean = math.exp(statistics.fmean(logs[start:end]))
        first = known[start]
        last = known[end] if end < len(known) else number
        levels[first:last] = [float(f"{mean:.{_DIGITS}g}")] * (last - first)
    return levels
