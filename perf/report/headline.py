"""The outcome of a run in one sentence: the title of a page, the head of a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from perf.report import formatting
from perf.report.outcome import Outcome
from perf.stats import Verdict

SEVERITY = (
    Verdict.REGRESSED,
    Verdict.INVALID,
    Verdict.INCONCLUSIVE,
    Verdict.NO_BASELINE,
    Verdict.IMPROVED,
    Verdict.UNCHANGED,
)
"""The verdicts, the worst first."""

_WORDS = {Verdict.NO_BASELINE: "without a baseline"}
_ONE_WORDS = {
    Verdict.REGRESSED: "regressed",
    Verdict.INVALID: "is invalid",
    Verdict.INCONCLUSIVE: "is inconclusive",
    Verdict.NO_BASELINE: "has no baseline",
    Verdict.IMPROVED: "improved",
    Verdict.UNCHANGED: "is unchanged",
}
_ALL_WORDS = {
    Verdict.INVALID: "are invalid",
    Verdict.INCONCLUSIVE: "are inconclusive",
    Verdict.NO_BASELINE: "have no baseline",
    Verdict.UNCHANGED: "are unchanged",
}
_BY_THE_FIRST = {Verdict.IMPROVED, Verdict.UNCHANGED}
_MOVED = {Verdict.REGRESSED, *_BY_THE_FIRST}
_NOT_NAMED = {Verdict.NO_BASELINE, Verdict.UNCHANGED}
_MOST_NAMED = 2
_PAIR = 2


def worst(results: Sequence[Outcome]) -> Verdict | None:
    """Return the worst verdict, or None where no scenario was measured."""
    found = {result.judgement.verdict for result in results}
    return next((verdict for verdict in SEVERITY if verdict in found), None)


def headline(results: Sequence[Outcome], planned: Sequence[str] = ()) -> str:
    """Return the outcome on one line: the worst verdict first, with its numbers.

    `planned` are the names of the scenarios that the run was to measure.
    """
    if not results:
        return "No scenario was measured."
    said = _alone(results[0]) if len(results) == 1 else _together(results)
    missing = len(set(planned) - {result.name for result in results})
    if missing:
        said = f"{said} Not finished: {missing} of {len(set(planned))} not measured."
    return formatting.one_line(said)


def _together(results: Sequence[Outcome]) -> str:
    """Return the outcome of a run of several scenarios."""
    verdict = worst(results)
    assert verdict is not None
    those = [result for result in results if result.judgement.verdict is verdict]
    said = _counted(len(those), len(results), verdict)
    has_moved = verdict in _MOVED
    if verdict not in _NOT_NAMED and (has_moved or len(those) < len(results)):
        named = [_named(result) for result in those[:_MOST_NAMED]]
        if more := len(those) - len(named):
            named.append(f"and {more} more")
        said = f"{said}: {'; '.join(named)}"
    others = Counter(result.judgement.verdict for result in results)
    del others[verdict]
    rest = ", ".join(f"{others[one]} {_word(one)}" for one in SEVERITY if others[one])
    return f"{said}. {rest}." if rest else f"{said}."


def _alone(result: Outcome) -> str:
    """Return the outcome of a run of one scenario."""
    said = f"{result.name} {_ONE_WORDS[result.judgement.verdict]}"
    told = ", ".join(moved(result))
    return f"{said}: {told}." if told else f"{said}."


def _counted(number: int, of: int, verdict: Verdict) -> str:
    """Return how many of several scenarios have a verdict."""
    if number < of:
        return f"{number} of {of} {_word(verdict)}"
    those = "Both" if of == _PAIR else f"All {of}"
    return f"{those} scenarios {_ALL_WORDS.get(verdict, str(verdict))}"


def _word(verdict: Verdict) -> str:
    return _WORDS.get(verdict, str(verdict))


def _named(result: Outcome) -> str:
    """Return the name of a scenario, and what moved."""
    return ", ".join([result.name, *moved(result)])


def moved(result: Outcome) -> list[str]:
    """Return what the verdict rests on: each quantity, its change and its tolerance."""
    judgement = result.judgement
    found = judgement.worse
    if judgement.verdict in _BY_THE_FIRST:
        found = judgement.quantities[:1]
    if judgement.verdict not in _MOVED or judgement.reason:
        found = ()
    return [
        f"{one.quantity} {formatting.change_interval(one.change)}, "
        f"tolerance {formatting.fraction(one.tolerance)}"
        for one in found
    ]
