"""The plots of all scenarios: their changes, throughputs and ratios."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from perf.report import derived, formatting
from perf.report.changes import MARGIN, WIDEST, band, change_scale, shown
from perf.report.page.anchors import card_id
from perf.report.page.labels import as_change, as_rate, as_ratio
from perf.report.page.scales import Linear
from perf.report.page.strips import Axis, Strip, StripPlot, strip_plot
from perf.report.result import ScenarioResult
from perf.stats import (
    CAPACITY,
    GOODPUT,
    THROUGHPUT,
    Estimate,
    Sample,
    TooFewPairs,
    estimate_level,
    quantities_of,
)
from perf.stats.ratio import exp_within_limits

_CONFIDENCE = 0.95
_JUDGED_FIRST = {
    THROUGHPUT.name: "throughput at equal pace",
    CAPACITY.name: "capacity at equal pace",
    GOODPUT.name: "goodput, which is not corrected for pace",
}
_CHANGES = (
    "Change of {}, with the interval that decided on the verdict. Left of the line is "
    "slower. The shaded band is the tolerance. An arrow means that the interval is longer "
    "than the plot. Memory, CPU time (cpu) and p99 have a row if they regressed; there, "
    "right of the line is worse."
)
_THROUGHPUTS = (
    "Images a second, with the 95 % interval of this run's own launches. Where they are "
    "known, the dashed mark is the baseline or the other tree at this run's pace, and the "
    "diamond is the model alone. Not judged, because it depends on the machine's pace."
)
_RATIOS = (
    "Throughput over that of the reference, with its interval. The line is as fast as the "
    "reference, the dashed mark is the ratio in the baseline. Not judged."
)
_OTHERS = "A row that names its figure shows that instead of the throughput."


def change_plot(results: Sequence[ScenarioResult]) -> StripPlot | None:
    """Return the plot of what was judged, or None where nothing was compared."""
    compared = [one for one in (shown(result.judgement) for result in results) if one]
    if not compared:
        return None
    strips = [
        strip
        for number, result in enumerate(results, start=1)
        for strip in _changes(result, card_id(number))
    ]
    firsts = dict.fromkeys(first.quantity for first, *_ in compared)
    what = "; of ".join(_JUDGED_FIRST.get(one, one) for one in firsts)
    scale = change_scale([one for changes in compared for one in changes])
    axis = Axis(scale=scale, origin=0.0, label=as_change)
    return strip_plot("Change", _CHANGES.format(what), strips, axis)


def throughput_plot(results: Sequence[ScenarioResult]) -> StripPlot | None:
    """Return the plot of the throughputs, or None where none is above zero."""
    strips = [
        _throughput(result, card_id(number))
        for number, result in enumerate(results, start=1)
    ]
    known = [x for one in strips for x in (one.point, one.mark, one.yardstick) if x]
    if not known:
        return None
    axis = Axis(scale=_from_zero(known, strips), label=as_rate)
    return strip_plot("Throughput", _captioned(_THROUGHPUTS, results), strips, axis)


def ratio_plot(results: Sequence[ScenarioResult]) -> StripPlot | None:
    """Return the plot of the ratios, or None where there is none."""
    numbered = enumerate(results, start=1)
    known = [(number, result) for number, result in numbered if result.judgement.ratio]
    if not known:
        return None
    strips = [_ratio(result, card_id(number)) for number, result in known]
    needed = [1.0, *(x for one in strips for x in (one.point, one.mark) if x)]
    axis = Axis(scale=_from_zero(needed, strips), origin=1.0, label=as_ratio)
    caption = _captioned(_RATIOS, [result for _, result in known])
    return strip_plot("Ratio", caption, strips, axis)


def _from_zero(needed: Sequence[float], strips: Sequence[Strip]) -> Linear:
    """Return a scale with all of `needed`, and with intervals that are not vast."""
    highest = max(needed)
    ends = [end for one in strips for end in one.ends or ()]
    return Linear(0.0, MARGIN * min(max([highest, *ends]), WIDEST * highest))


def _captioned(caption: str, results: Sequence[ScenarioResult]) -> str:
    is_usual = all(_figure(result) == THROUGHPUT.name for result in results)
    return caption if is_usual else f"{caption} {_OTHERS}"


def _figure(result: ScenarioResult) -> str:
    """Return what the scenario's blocks are judged by: throughput, goodput or capacity."""
    if result.pairs:
        return formatting.one_line(result.pairs[0].scenario.figure)
    if result.capacity:
        return CAPACITY.name
    return GOODPUT.name if result.offered else THROUGHPUT.name


def _named(result: ScenarioResult, figure: str) -> str:
    name = formatting.one_line(result.name)
    return name if figure == THROUGHPUT.name else f"{name}, {figure}"


def _changes(result: ScenarioResult, anchor: str) -> Iterator[Strip]:
    changes = shown(result.judgement)
    # What regressed then has a row of its own, and the first row must not look like it.
    is_elsewhere = len(changes) > 1
    if not changes:
        yield Strip(
            name=formatting.one_line(result.name),
            anchor=anchor,
            value=formatting.UNKNOWN,
            verdict=result.judgement.verdict,
        )
    for one in changes:
        yield Strip(
            name=_named(result, one.quantity),
            anchor=anchor,
            value=formatting.change_interval(one.change),
            verdict=one.verdict if is_elsewhere else result.judgement.verdict,
            point=one.change.point - 1.0,
            ends=(one.change.low - 1.0, one.change.high - 1.0),
            band=band(one),
        )


def _throughput(result: ScenarioResult, anchor: str) -> Strip:
    figure = _figure(result)
    rps = _rate(result, figure)
    ends = _ends(result, figure, rps) if rps else None
    before_rps = _rate_before(result, rps) if rps else None
    alone_rps = formatting.finite(derived.yardstick_rps(result.pairs))
    said = [_said(rps, ends)]
    if before_rps is not None:
        which = "other tree" if result.judgement.against else "baseline"
        said.append(f"{which} {formatting.rate(before_rps)}")
    if alone_rps is not None:
        said.append(f"model alone {formatting.rate(alone_rps)}")
    return Strip(
        name=_named(result, figure),
        anchor=anchor,
        value=", ".join(said),
        point=rps,
        ends=ends,
        mark=before_rps,
        yardstick=alone_rps,
    )


def _rate(result: ScenarioResult, figure: str) -> float | None:
    """Return the figure in images a second, or None where there is none above zero."""
    rps = derived.throughput_rps(result)
    if figure == CAPACITY.name and result.capacity:
        rps = result.capacity.rps
    elif figure == GOODPUT.name and result.offered:
        rps = result.offered.goodput_rps
    return formatting.finite(rps) or None


def _ends(result: ScenarioResult, figure: str, rps: float) -> tuple[float, float] | None:
    """Return the interval of the figure, or None where it is not known.

    Of a throughput it is that of the mean over the launches, put around `rps`.
    """
    if figure == CAPACITY.name and result.capacity:
        low, high = result.capacity.low_rps, result.capacity.high_rps
        return None if low is None or high is None else (low, high)
    try:
        sample = Sample(result.pairs)
    except TooFewPairs:
        return None
    quantity = replace(quantities_of(sample.pairs)[0], paced=0)
    half_width = estimate_level(sample, quantity).half_width((1.0 - _CONFIDENCE) / 2.0)
    factor = exp_within_limits(half_width)
    return rps / factor, rps * factor


def _rate_before(result: ScenarioResult, rps: float) -> float | None:
    """Return the same of the baseline or the other tree, at the pace of this run."""
    change = result.judgement.change
    if change is None or not change.point:
        return None
    return exp_within_limits(math.log(rps) - math.log(change.point))


def _said(rps: float | None, ends: tuple[float, float] | None) -> str:
    if rps is None or ends is None or not ends[0] <= rps <= ends[1] < math.inf:
        return formatting.rate(rps)
    estimate = Estimate(rps, *ends, confidence=_CONFIDENCE)
    return f"{formatting.interval(estimate)}/s"


def _ratio(result: ScenarioResult, anchor: str) -> Strip:
    ratio, then = result.judgement.ratio, result.judgement.baseline_ratio
    assert ratio is not None
    value = formatting.interval(ratio)
    if then is not None:
        value = f"{value}, was {formatting.ratio(then)}"
    return Strip(
        name=_named(result, _figure(result)),
        anchor=anchor,
        value=value,
        point=ratio.point,
        ends=(ratio.low, ratio.high),
        mark=then if then is not None and math.isfinite(then) else None,
    )
