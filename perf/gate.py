"""From pairs and a baseline to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perf.baseline import BaselineStore, Identity
from perf.stats import (
    Estimate,
    Pair,
    Sample,
    Verdict,
    estimate_change,
    estimate_ratio,
    judge,
)

CONFIDENCE = 0.95
_FEWEST_PAIRS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, why it is what it is, and the numbers behind it."""

    verdict: Verdict
    reason: str
    ratio: Estimate | None = None
    change: Estimate | None = None
    baseline_ratio: float | None = None
    baseline_file: str | None = None


def judge_pairs(
    name: str,
    pairs: Sequence[Pair],
    identity: Identity,
    store: BaselineStore,
    tolerance: float,
) -> Judgement:
    """Return the verdict on a scenario's pairs against the newest baseline that applies."""
    if len(pairs) < _FEWEST_PAIRS:
        return Judgement(
            verdict=Verdict.INCONCLUSIVE, reason=f"{len(pairs)} pair has no spread"
        )
    sample = Sample(pairs)
    ratio = estimate_ratio(sample, confidence=CONFIDENCE)
    baseline, reason = store.find(name, identity)
    if baseline is None:
        return Judgement(verdict=Verdict.NO_BASELINE, reason=reason, ratio=ratio)
    change = estimate_change(sample, baseline.sample, confidence=CONFIDENCE)
    verdict = judge(change, tolerance)
    return Judgement(
        verdict=verdict,
        reason=_why(verdict, change, tolerance),
        ratio=ratio,
        change=change,
        baseline_ratio=estimate_ratio(baseline.sample, confidence=CONFIDENCE).point,
        baseline_file=str(baseline.path),
    )


def passes(verdict: Verdict, *, baseline_required: bool) -> bool:
    """Return whether a run with this verdict is green.

    Where a baseline is required, neither its absence nor too little evidence is.
    """
    good = {Verdict.UNCHANGED, Verdict.IMPROVED}
    if not baseline_required:
        good |= {Verdict.INCONCLUSIVE, Verdict.NO_BASELINE}
    return verdict in good


def _why(verdict: Verdict, change: Estimate, tolerance: float) -> str:
    if verdict is Verdict.UNCHANGED:
        return ""
    moved = f"{change.point - 1:+.1%} [{change.low - 1:+.1%}, {change.high - 1:+.1%}]"
    band = f"tolerance {tolerance:.0%}"
    if verdict is Verdict.INCONCLUSIVE:
        return f"too little evidence: {moved} against the baseline, {band}"
    return f"{moved} against the baseline, {band}"
