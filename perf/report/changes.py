"""What every plot of changes shares: which quantities it shows, and on which scale."""

from __future__ import annotations

from collections.abc import Sequence

from perf.judge.judgement import Judged, Judgement
from perf.report.page.scales import Linear
from perf.stats import Verdict

WIDEST = 3.0
"""How many times as far as all points and tolerances an interval may reach.

One interval that says nothing must not make all others too small to be seen.
"""

MARGIN = 1.05


def shown(judgement: Judgement) -> tuple[Judged, ...]:
    """Return what a scenario is judged by first, and what else is worse.

    Nothing is called worse where the verdict has another reason, such as a disturbance.
    """
    first = judgement.quantities[:1]
    if judgement.reason:
        return first
    return (*first, *(one for one in judgement.worse if one not in first))


def verdict_on(one: Judged, judgement: Judgement) -> Verdict:
    """Return the verdict on one quantity, or the scenario's where that has a reason."""
    return judgement.verdict if judgement.reason else one.verdict


def band(judged: Judged) -> tuple[float, float]:
    """Return the changes that the tolerance allows: a loss, and the gain that undoes it."""
    return -judged.tolerance, judged.tolerance / (1.0 - judged.tolerance)


def change_scale(changes: Sequence[Judged]) -> Linear:
    """Return a scale around zero; below -1, which is the loss of everything, it ends."""
    needed = max(max(abs(one.change.point - 1.0), band(one)[1]) for one in changes)
    ends = (abs(x - 1.0) for one in changes for x in (one.change.low, one.change.high))
    reach = MARGIN * min(max(needed, *ends), WIDEST * needed)
    return Linear(max(-reach, -1.0), reach)
