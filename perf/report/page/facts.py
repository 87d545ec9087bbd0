"""What stands at the head of the page beside the headline."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from perf.report import formatting, message
from perf.report.headline import SEVERITY
from perf.report.result import ScenarioResult
from perf.report.run import RunResults
from perf.stats import RUN_ALPHA, Verdict

_EXPLAINED = {
    Verdict.REGRESSED,
    Verdict.INVALID,
    Verdict.INCONCLUSIVE,
    Verdict.IMPROVED,
}
"""The verdicts whose reason stands at the head of the page."""

_MOST_EXPLAINED = 5
_MOST_NAMED = 3
_MOST_CHARACTERS = 180  # of a reason; the rest is told below


def by_severity(results: Sequence[ScenarioResult]) -> list[ScenarioResult]:
    """Return the results, the worst verdict first."""
    return sorted(results, key=lambda one: SEVERITY.index(one.judgement.verdict))


def outcomes(results: Sequence[ScenarioResult]) -> Iterator[str]:
    """Yield why each scenario is not unchanged, or the first ones of many."""
    told = [one for one in by_severity(results) if one.judgement.verdict in _EXPLAINED]
    for result in told[:_MOST_EXPLAINED]:
        said, verdict = message.reason(result), result.judgement.verdict
        if result.judgement.reason:
            said = _shortened(said)
        line = ": ".join(filter(None, (f"{result.name}, {verdict}", said)))
        yield formatting.one_line(f"{line}.")
    more = len(told) - _MOST_EXPLAINED
    if more > 0:
        yield f"And {more} more; see below."


def fastest(results: Sequence[ScenarioResult]) -> str:
    """Return which scenario has the highest ratio; empty where none has one.

    Rates that were offered, and searches for the capacity, are not compared. Nothing is
    where the machine was disturbed.
    """
    if any(result.disturbed for result in results):
        return ""
    known = [
        (ratio, result.name)
        for result in results
        if (ratio := result.judgement.ratio)
        and result.judgement.verdict is not Verdict.INVALID
        and not (result.is_reference or result.capacity or result.offered)
    ]
    if not known:
        return ""
    ratio, name = max(known, key=lambda one: one[0].point)
    reference = next((one.name for one in results if one.is_reference), "")
    than = f"the reference ({reference})" if reference else "the reference"
    times = formatting.interval(ratio)
    if all(one.high < 1.0 for one, _ in known):
        said = f"No scenario was faster than {than}: the highest ratio is {times} ({name})."
    else:
        is_best = "has the highest ratio:" if len(known) > 1 else "answers"
        said = f"{name} {is_best} {times} times as many images a second as {than}."
    return formatting.one_line(said)


def facts(run: RunResults) -> Iterator[str]:
    """Yield what is missing, and how far to trust the verdicts."""
    results = run.scenarios
    if run.missing:
        yield formatting.one_line(f"Not measured so far: {', '.join(run.missing)}.")
    for name, why in run.skipped.items():
        yield formatting.one_line(f"Skipped: {name}: {why}.")
    yield from _without_baseline(results)
    if turns := message.in_turns(results):
        yield f"{turns[0].upper()}{turns[1:]}."
    if any(result.judgement.quantities for result in results):
        yield from _smallest_seen(results)
        yield (
            f"If nothing changed, at most 1 in {1.0 / RUN_ALPHA:.4g} runs calls a scenario "
            "changed. perf/trust/CURVE.md has the measured rate."
        )


def _without_baseline(results: Sequence[ScenarioResult]) -> Iterator[str]:
    """Yield for which scenarios no baseline applies, and why."""
    without = [one for one in results if one.judgement.verdict is Verdict.NO_BASELINE]
    if not without:
        return
    names = [one.name for one in without[:_MOST_NAMED]]
    if more := len(without) - len(names):
        names = [", ".join(names), f"{more} more"]
    *first, last = names
    listed = f"{', '.join(first)} and {last}" if first else last
    reasons = [one.judgement.reason.rstrip(". ") for one in without]
    why = _shortened(reasons[0])
    if why and len(set(reasons)) > 1:
        why = f"{without[0].name}, {why}"
    said = f"No baseline applies to {listed}{f': {why}' if why else ''}."
    yield formatting.one_line(f"{said} Record one: tox -e rebaseline.")


def _smallest_seen(results: Sequence[ScenarioResult]) -> Iterator[str]:
    """Yield the smallest losses, from the least to the most, of each quantity."""
    known: dict[str, dict[str, float]] = {}
    for result in results:
        loss = formatting.finite(result.judgement.smallest_seen)
        if loss is not None and result.judgement.quantities:
            first = result.judgement.quantities[0].quantity
            known.setdefault(first, {})[result.name] = loss
    if known:
        (quantity, losses), *others = known.items()
        said = f"The smallest loss of {quantity} that would be found 95 times in 100: "
        said += _from_to(losses)
        said += "".join(f"; of {name}: {_from_to(found)}" for name, found in others)
        yield formatting.one_line(f"{said}.")


def _from_to(losses: Mapping[str, float]) -> str:
    least, most = min(losses, key=losses.__getitem__), max(losses, key=losses.__getitem__)
    said = f"{formatting.share(losses[least])} ({least})"
    if losses[most] == losses[least]:
        return said
    return f"{said} to {formatting.share(losses[most])} ({most})"


def _shortened(reason: str) -> str:
    return textwrap.shorten(reason, _MOST_CHARACTERS, placeholder=" [...]")
