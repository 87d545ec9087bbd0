"""The plot of the pairs, in the order in which they were measured."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from perf.report import formatting
from perf.report.page import svg
from perf.report.page.labels import as_change
from perf.report.page.plot import Plot
from perf.report.page.scales import Linear, round_below
from perf.report.page.tables import PageTable, data_table
from perf.stats import Block, Pair
from perf.stats.ratio import exp_within_limits

_TOP, _BOTTOM = 22, 172
_HEIGHT = _BOTTOM + 4
_MOST = 700.0  # exp() of a larger number overflows a float
_LEAST = 0.01
_MOST_MARKED = 0.9  # a loss of everything has no place
_MOST_NUMBERED = 12  # launches, on a narrow screen
_FEWEST = 2  # one pair has no distance from its median
_FROM = "from the median of its arm, in the order of measuring."


def blocks_plot(heading: str, pairs: Sequence[Pair], name: str, other: str) -> Plot | None:
    """Return the plot of the pairs, or None where there are fewer than two.

    `name` is what the scenario's blocks are called, `other` what the others are.
    """
    if len(pairs) < _FEWEST:
        return None
    ours, theirs = _deviations(pairs)
    paces = _paces(pairs)
    known = [abs(value) for value in (*ours, *theirs, *paces) if value is not None]
    reach = min(max(_LEAST, 1.1 * max(known)), _MOST)
    scale = Linear(-reach, reach)
    marks = _marked(reach)
    field = svg.stretched(
        _HEIGHT,
        svg.path("launch", _columns(pairs)),
        svg.path("pace", _bars(paces, scale)),
        svg.path("grid", (svg.step("M", 0, _y(one, scale)) + "H100" for one in marks)),
        svg.path("theirs", _dots(theirs, scale)),
        svg.path("ours", _dots(ours, scale)),
    )
    label = f"{heading} of {name}"
    counted = f"{label}: {len(pairs)} pairs in {_launches_of(pairs)}"
    drawn = (field, *_numbers(pairs), *_labels(marks, scale))
    return Plot(
        heading=heading,
        caption=_caption(pairs, other),
        keys=_keys(name, other, has_pace=any(one is not None for one in paces)),
        drawing=svg.drawing(counted, _HEIGHT, *drawn),
        data=_data(label, pairs, other),
    )


def _figure(block: Block) -> str:
    """Return what the blocks of an arm are judged by, such as throughput."""
    return formatting.one_line(block.figure)


def _caption(pairs: Sequence[Pair], other: str) -> str:
    ours, theirs = _figure(pairs[0].scenario), _figure(pairs[0].reference)
    said = f"{ours.capitalize()} of each block"
    if theirs != ours:
        said = f"{said} ({theirs} of {other})"
    return f"{said}, {_FROM}"


def _keys(name: str, other: str, *, has_pace: bool) -> list[tuple[str, str]]:
    keys = [("key-ours", name), ("key-theirs", other)]
    if has_pace:
        keys.append(("key-pace", "pace of the cores"))
    return [*keys, ("key-launch", "launches")]


def _deviations(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """Return the logarithms of both arms' figures, less the median of each."""
    ours = _from_median([math.log(pair.scenario.rps) for pair in pairs])
    theirs = _from_median([math.log(pair.reference.rps) for pair in pairs])
    return ours, theirs


def _paces(pairs: Sequence[Pair]) -> list[float | None]:
    """Return the same of the pace of the scenario's blocks; None where it is unknown."""
    known = [math.log(pair.scenario.pace) for pair in pairs if pair.scenario.pace]
    if not known:
        return [None] * len(pairs)
    middle = statistics.median(known)
    return [
        math.log(pair.scenario.pace) - middle if pair.scenario.pace else None
        for pair in pairs
    ]


def _from_median(values: Sequence[float]) -> list[float]:
    middle = statistics.median(values)
    return [value - middle for value in values]


def _marked(reach: float) -> tuple[float, ...]:
    """Return the middle, and a round change on either side."""
    change = round_below(min(-math.expm1(-reach), _MOST_MARKED))
    return (0.0, math.log1p(change), math.log1p(-change))


def _y(value: float, scale: Linear) -> float:
    """Return the height of a value, in pixels from the top."""
    return _BOTTOM - (_BOTTOM - _TOP) * scale.at(value) / 100.0


def _launches(pairs: Sequence[Pair]) -> list[tuple[int, float, float]]:
    """Return each launch: its number from 0, and the places where it begins and ends."""
    grouped = itertools.groupby(pair.launch for pair in pairs)
    lengths = [(launch, sum(1 for _ in inside)) for launch, inside in grouped]
    ends = list(itertools.accumulate(length for _, length in lengths))
    share = 100.0 / len(pairs)
    return [
        (launch, (end - length) * share, end * share)
        for (launch, length), end in zip(lengths, ends, strict=True)
    ]


def _columns(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield a column for every other launch."""
    for _, start, end in _launches(pairs)[1::2]:
        yield _box(start, end, 0.0, _BOTTOM)


def _numbers(pairs: Sequence[Pair]) -> Iterator[Markup]:
    """Yield the number of each launch from 1, or of some where there are many."""
    launches = _launches(pairs)
    for launch, start, end in launches[:: math.ceil(len(launches) / _MOST_NUMBERED)]:
        yield svg.text((start + end) / 2.0, 14, str(launch + 1))


def _bars(paces: Sequence[float | None], scale: Linear) -> Iterator[str]:
    share, middle = 100.0 / len(paces), _y(0.0, scale)
    for place, pace in enumerate(paces):
        if pace is not None:
            start, end = (place + 0.1) * share, (place + 0.9) * share
            yield _box(start, end, middle, _y(pace, scale))


def _box(start: float, end: float, top: float, bottom: float) -> str:
    across = svg.step("M", start, top) + svg.step("H", end)
    return across + svg.step("V", bottom) + svg.step("H", start) + "z"


def _dots(values: Sequence[float], scale: Linear) -> Iterator[str]:
    """Yield a step so short that only its ends are seen: they are as wide as the line."""
    share = 100.0 / len(values)
    for place, value in enumerate(values):
        yield svg.step("M", (place + 0.5) * share, _y(value, scale)) + "h.01"


def _labels(marks: Sequence[float], scale: Linear) -> Iterator[Markup]:
    for value in marks:
        words = as_change(exp_within_limits(value) - 1.0)
        yield svg.beside(_y(value, scale), words)


def _data(label: str, pairs: Sequence[Pair], other: str) -> PageTable:
    ours, theirs = _figure(pairs[0].scenario), _figure(pairs[0].reference)
    return data_table(
        f"Data: {label}",
        ["pair", "launch", ours, "pace", f"{theirs} of {other}", f"pace of {other}"],
        [
            [
                str(number),
                str(pair.launch + 1),
                formatting.rate(pair.scenario.rps),
                formatting.ratio(pair.scenario.pace),
                formatting.rate(pair.reference.rps),
                formatting.ratio(pair.reference.pace),
            ]
            for number, pair in enumerate(pairs, start=1)
        ],
    )


def _launches_of(pairs: Sequence[Pair]) -> str:
    number = len({pair.launch for pair in pairs})
    return "1 launch" if number == 1 else f"{number} launches"
