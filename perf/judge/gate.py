"""The verdict on a scenario, from its pairs and its baseline.

What is judged is the change of the scenario's efficiency since the baseline. Efficiency is
throughput over that of the yardstick: the model alone, in as many processes and threads,
measured beside each block. For a baseline without yardsticks it is the change of the ratio,
throughput over that of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from perf.judge.baselines import BaselineStore
from perf.judge.stored import Identity
from perf.stats import (
    Estimate,
    Pair,
    Rule,
    Sample,
    TooFewLaunches,
    Verdict,
    estimate_change,
    estimate_ratio,
)
from perf.stats.change import all_have_yardsticks

CONFIDENCE = 0.95
_FEWEST_PAIRS = 2


class Judged(StrEnum):
    """What a change is a change of."""

    EFFICIENCY = "efficiency"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and the numbers behind it."""

    verdict: Verdict

    reason: str = ""
    """Why the verdict does not rest on `change`; empty where it does."""

    ratio: Estimate | None = None
    """Throughput over that of the reference, for information."""

    baseline_ratio: float | None = None
    """The same in the baseline."""

    judged: Judged | None = None
    """What `change` is a change of; None where nothing was compared."""

    change: Estimate | None = None
    """What is judged, over the baseline's; the interval decides on an alarm."""

    smallest_seen: float | None = None
    """The smallest loss, as a fraction of one, that is an alarm 95 times in 100."""

    baseline_file: str | None = None

    differences: tuple[str, ...] = ()
    """What is not as it was when the baseline was recorded, one phrase each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is judged of a scenario."""

    name: str

    pairs: Sequence[Pair]

    identity: Identity
    """What must be equal for a baseline to apply."""

    about: Mapping[str, str]
    """What need not be equal, but may explain a change."""


def judge_pairs(evidence: Evidence, store: BaselineStore, rule: Rule) -> Judgement:
    """Return the verdict against the newest baseline that applies."""
    pairs = evidence.pairs
    if len(pairs) < _FEWEST_PAIRS:
        reason = f"a verdict needs at least {_FEWEST_PAIRS} pairs, not {len(pairs)}"
        return Judgement(verdict=Verdict.INCONCLUSIVE, reason=reason)
    sample = Sample(pairs)
    ratio = estimate_ratio(sample, confidence=CONFIDENCE)
    baseline, reason = store.find(evidence.name, evidence.identity)
    if baseline is None:
        return Judgement(verdict=Verdict.NO_BASELINE, reason=reason, ratio=ratio)
    judgement = Judgement(
        verdict=Verdict.INCONCLUSIVE,
        ratio=estimate_ratio(sample, *baseline.samples, confidence=CONFIDENCE),
        baseline_ratio=estimate_ratio(baseline.sample, confidence=CONFIDENCE).point,
        baseline_file=str(baseline.path),
        differences=tuple(baseline.differences(evidence.about)),
    )
    try:
        change = estimate_change(sample, *baseline.samples)
    except TooFewLaunches as fault:
        return replace(judgement, reason=f"{fault}; see --perf-launches")
    over_yardstick = all_have_yardsticks(sample, *baseline.samples)
    return replace(
        judgement,
        verdict=rule.verdict(change),
        judged=Judged.EFFICIENCY if over_yardstick else Judged.RATIO,
        change=change.interval(rule.alarm_tail(change)),
        smallest_seen=rule.smallest_seen(change),
    )


def passes(verdict: Verdict, *, baseline_required: bool) -> bool:
    """Return whether a scenario with this verdict passes.

    Without `baseline_required`, a missing baseline and too little evidence pass too.
    """
    good = {Verdict.UNCHANGED, Verdict.IMPROVED}
    if not baseline_required:
        good |= {Verdict.INCONCLUSIVE, Verdict.NO_BASELINE}
    return verdict in good
