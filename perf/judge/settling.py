"""Put together what a baseline said and what a run side by side with its commit says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perf.judge.gate import Terms, judge_side_by_side
from perf.judge.judgement import Judgement
from perf.stats import Pair, Verdict


def judge_settling(
    pairs: Sequence[Pair], beside: Terms, since_baseline: Terms
) -> Judgement:
    """Return the verdict side by side, at the end of a measurement that settles.

    The tolerance `beside` is smaller than that `since_baseline`. A change that stays open
    but lies inside the larger one is unchanged too: a baseline that showed as much would
    have passed the scenario. It stays open where its whole interval says loss.
    """
    found = judge_side_by_side(pairs, beside)
    if found.verdict is not Verdict.INCONCLUSIVE:
        return found
    wider = judge_side_by_side(pairs, since_baseline)
    change = wider.change
    if wider.verdict is not Verdict.UNCHANGED or change is None or change.high < 1.0:
        return found
    return replace(
        found,
        verdict=wider.verdict,
        quantities=wider.quantities,
        missed_tolerance=found.quantities[0].tolerance,
    )


def settled(before: Judgement, beside: Judgement) -> Judgement:
    """Return the verdict side by side, which counts, with that of the baseline kept."""
    return replace(
        beside,
        ratio=before.ratio,
        baseline_ratio=before.baseline_ratio,
        baseline_file=before.baseline_file,
        before=before,
    )


def unsettled(before: Judgement, why: str) -> Judgement:
    """Return the verdict of the baseline, and why it could not be settled."""
    return replace(before, unsettled=why)
