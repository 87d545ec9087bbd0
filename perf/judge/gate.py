"""From pairs and a baseline to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perf.judge.baselines import BaselineStore
from perf.judge.stored import Identity
from perf.stats import (
    Change,
    Estimate,
    Pair,
    Rule,
    Sample,
    TooFewLaunches,
    Verdict,
    estimate_change,
    estimate_ratio,
)

CONFIDENCE = 0.95
_FEWEST_PAIRS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, why it is what it is, and the numbers behind it.

    `change` is this run's speed over the baseline's, with the interval that decides on
    an alarm; `smallest_seen` the smallest loss, as a share, that would have been one.
    """

    verdict: Verdict
    reason: str
    ratio: Estimate | None = None
    change: Estimate | None = None
    smallest_seen: float | None = None
    baseline_ratio: float | None = None
    baseline_file: str | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is judged: a scenario's pairs, what must be equal, and what may explain."""

    name: str
    pairs: Sequence[Pair]
    identity: Identity
    about: Mapping[str, str]


def judge_pairs(evidence: Evidence, store: BaselineStore, rule: Rule) -> Judgement:
    """Return the verdict on a scenario's pairs against the newest baseline that applies."""
    pairs = evidence.pairs
    if len(pairs) < _FEWEST_PAIRS:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE, reason=f"{len(pairs)} pair has no spread"
        )
    sample = Sample(pairs)
    ratio = estimate_ratio(sample, confidence=CONFIDENCE)
    baseline, reason = store.find(evidence.name, evidence.identity)
    if baseline is None:
        return Judgement(verdict=Verdict.NO_BASELINE, reason=reason, ratio=ratio)
    judgement = Judgement(
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        ratio=estimate_ratio(sample, *baseline.samples, confidence=CONFIDENCE),
        baseline_ratio=estimate_ratio(baseline.sample, confidence=CONFIDENCE).point,
        baseline_file=str(baseline.path),
        differences=tuple(baseline.differences(evidence.about)),
    )
    try:
        change = estimate_change(sample, *baseline.samples)
    except TooFewLaunches as fault:
        return replace(judgement, reason=f"{fault}; see --perf-launches")
    verdict, seen = rule.verdict(change), rule.smallest_seen(change)
    interval = change.interval(rule.alarm_tail(change))
    return replace(
        judgement,
        verdict=verdict,
        reason=_why(verdict, change, interval, rule.tolerance, seen),
        change=interval,
        smallest_seen=seen,
    )


def passes(verdict: Verdict, *, baseline_required: bool) -> bool:
    """Return whether a run with this verdict is green.

    Where a baseline is required, neither its absence nor too little evidence is.
    """
    good = {Verdict.UNCHANGED, Verdict.IMPROVED}
    if not baseline_required:
        good |= {Verdict.INCONCLUSIVE, Verdict.NO_BASELINE}
    return verdict in good


def _why(
    verdict: Verdict, change: Change, interval: Estimate, tolerance: float, seen: float
) -> str:
    if verdict is Verdict.UNCHANGED:
        return ""
    moved = (
        f"{interval.point - 1:+.1%} [{interval.low - 1:+.1%}, {interval.high - 1:+.1%}]"
        f" against the baseline, tolerance {tolerance:.0%}"
    )
    if verdict is Verdict.INCONCLUSIVE:
        return (
            f"too little evidence: {moved}; a loss of {seen:.1%} would have been seen "
            f"in {change.launches} launches"
        )
    return moved
