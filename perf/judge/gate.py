"""The verdict on a scenario, from its pairs.

What is judged first is throughput over pace: images a second, divided by how fast the cores
were in those very seconds. It is compared with the same of a baseline, or with that of the
other tree in a run side by side. Memory, CPU time and p99 are judged too: each can make the
verdict `regressed`, none can make it anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from perf.judge.baselines import Baseline, BaselineStore
from perf.judge.judgement import Judged, Judgement
from perf.judge.stored import Identity
from perf.stats import (
    Change,
    NotMeasuredError,
    Pair,
    Quantity,
    Rule,
    Sample,
    Verdict,
    estimate_change,
    estimate_ratio,
    estimate_side_by_side,
    quantities_of,
)

CONFIDENCE = 0.95
FEWEST_PAIRS = 2
"""With fewer pairs there is no spread, and nothing is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is judged of a scenario."""

    name: str

    pairs: Sequence[Pair]

    identity: Identity
    """What must be equal for a baseline to apply."""

    about: Mapping[str, str]
    """What need not be equal, but may explain a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a scenario is judged."""

    planned: int
    """The most launches that are measured."""

    scenarios: int
    """How many scenarios the run judges."""

    tolerances: Mapping[str, float]
    """By which share each quantity may get worse."""

    def rule(self, quantity: Quantity) -> Rule:
        """Return the rule for one quantity."""
        tolerance = self.tolerances[quantity.name]
        if quantity.better < 0:
            # The rule is about losses: what may grow by a quarter may lose a fifth.
            tolerance = 1.0 - 1.0 / (1.0 + tolerance)
        return Rule(
            planned=self.planned,
            scenarios=self.scenarios,
            tolerance=tolerance,
            share=quantity.share,
        )


def judge_pairs(evidence: Evidence, store: BaselineStore, terms: Terms) -> Judgement:
    """Return the verdict against the newest baseline that applies.

    One of another CPU leaves the verdict open, whatever the figures are.
    """
    if len(evidence.pairs) < FEWEST_PAIRS:
        return _too_few(evidence.pairs)
    sample = Sample(evidence.pairs)
    ratio = estimate_ratio(sample, confidence=CONFIDENCE)
    baseline, reason = store.find(evidence.name, evidence.identity)
    if baseline is None:
        return Judgement(verdict=Verdict.NO_BASELINE, reason=reason, ratio=ratio)

    def since_baseline(quantity: Quantity) -> Change:
        return estimate_change(sample, *baseline.samples, quantity=quantity)

    if evidence.identity.is_of_another_cpu(baseline.identity):
        judgement = Judgement(
            verdict=Verdict.INCONCLUSIVE,
            reason=f"{baseline.path.name} was recorded on another CPU, "
            f"{baseline.identity.cpu}, and this is {evidence.identity.cpu}: record a "
            "baseline of this machine",
            is_elsewhere=True,
        )
    else:
        judgement = _judged(evidence.pairs, since_baseline, terms)
    return replace(
        judgement,
        ratio=ratio,
        baseline_ratio=_ratio_in(baseline),
        baseline_file=str(baseline.path),
        differences=tuple(baseline.differences(evidence.about)),
    )


def judge_side_by_side(pairs: Sequence[Pair], terms: Terms) -> Judgement:
    """Return the verdict on the scenario's blocks against those of the other tree."""
    if len(pairs) < FEWEST_PAIRS:
        return _too_few(pairs)
    figures = {block.figure for pair in pairs for block in (pair.scenario, pair.reference)}
    if len(figures) > 1:
        reason = f"the trees measure different figures: {' and '.join(sorted(figures))}"
        return Judgement(verdict=Verdict.INCONCLUSIVE, reason=reason)
    sample = Sample(pairs)
    return _judged(pairs, lambda quantity: estimate_side_by_side(sample, quantity), terms)


def _judged(
    pairs: Sequence[Pair], estimate: Callable[[Quantity], Change], terms: Terms
) -> Judgement:
    all_of_them = quantities_of(pairs)
    rule = terms.rule(all_of_them[0])
    try:
        change = estimate(all_of_them[0])
    except NotMeasuredError as fault:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reason=str(fault))
    quantities, unjudged = _each(all_of_them, estimate, terms)
    worse = any(x.verdict is Verdict.REGRESSED for x in quantities)
    return Judgement(
        verdict=Verdict.REGRESSED if worse else quantities[0].verdict,
        quantities=quantities,
        incomplete=_incomplete(pairs, all_of_them, unjudged),
        smallest_seen=rule.smallest_seen(change),
    )


def _each(
    quantities: Sequence[Quantity], estimate: Callable[[Quantity], Change], terms: Terms
) -> tuple[tuple[Judged, ...], Mapping[str, str]]:
    """Return the verdict on each quantity, and why the others have none, by name."""
    judged, unjudged = [], {}
    for quantity in quantities:
        rule = terms.rule(quantity)
        try:
            change = estimate(quantity)
        except NotMeasuredError as fault:  # memory cannot be read everywhere
            unjudged[quantity.name] = str(fault)
            continue
        interval = change.interval(rule.deciding_tail(change), quantity.better)
        judged.append(
            Judged(
                quantity=quantity.name,
                change=interval,
                tolerance=terms.tolerances[quantity.name],
                verdict=rule.verdict(change),
            )
        )
    return tuple(judged), unjudged


def _incomplete(
    pairs: Sequence[Pair], quantities: Sequence[Quantity], unjudged: Mapping[str, str]
) -> Mapping[str, str]:
    """Return why a quantity was not judged, of those that some block has a value of."""
    return {
        one.name: unjudged[one.name]
        for one in quantities
        if one.name in unjudged
        and any(one.goodness(pair.scenario) is not None for pair in pairs)
    }


def _too_few(pairs: Sequence[Pair]) -> Judgement:
    reason = f"a verdict needs at least {FEWEST_PAIRS} pairs, not {len(pairs)}"
    return Judgement(verdict=Verdict.INCONCLUSIVE, reason=reason)


def _ratio_in(baseline: Baseline) -> float:
    return estimate_ratio(baseline.sample, confidence=CONFIDENCE).point
