"""Put together what a baseline said and what a run side by side with its commit says."""

from __future__ import annotations

from dataclasses import replace

from perf.judge.judgement import Judgement


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
