"""Live runs compared with simulated losses: do both lead to the same verdicts?

In a live run the server is delayed, and the delay uses CPU time. So it also slows the jobs
and the harness, and the measured loss is larger than the intended one.

A simulated loss reduces the throughputs of the live runs without a loss, by the loss that
was measured in the slowed runs. They are judged against the same baseline. If both lead to
regressed verdicts equally often, the resampled operating curve can be trusted.

This module is pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from perf.stats import Pair, Sample, Verdict
from perf.trust.curve import Rate
from perf.trust.resample import Plan, first_verdict


class LiveVerdict(Protocol):
    """The verdict on one scenario in one live run; see `perf.trust.outcomes`."""

    @property
    def run(self) -> int:
        """The number of the run; -1 for the one that is the baseline of the others."""

    @property
    def loss(self) -> float:
        """The intended loss of the server's throughput, as a share."""

    @property
    def scenario(self) -> str:
        """The scenario's name."""

    @property
    def verdict(self) -> Verdict:
        """The verdict of the gate."""

    @property
    def change(self) -> float | None:
        """The estimated efficiency over that of the baseline."""

    @property
    def launches(self) -> list[list[Pair]]:
        """The pairs of each launch."""


Campaign = Sequence[LiveVerdict]
"""All verdicts of the runs against one baseline, and those of the baseline itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """The verdicts for one intended loss."""

    loss: float

    scenario: str
    """The scenario's name; empty for all scenarios together."""

    verdicts: Mapping[Verdict, int]

    regressed: Rate
    """How often the live runs were called regressed."""

    simulated: Rate | None
    """How often runs with a simulated loss of the same size are called regressed."""

    measured_loss: float | None
    """The mean of the measured losses, as a share."""


def live_rows(campaigns: Sequence[Campaign], plan: Plan) -> list[LiveRow]:
    """Return the rows for each loss, the smallest loss first.

    The first row of a loss is for all scenarios together. `plan` says how runs are judged.
    Invalid verdicts are counted, but are part of no rate.
    """
    every = [one for campaign in campaigns for one in campaign if one.run >= 0]
    losses = sorted({one.loss for one in every})
    names = list(dict.fromkeys(one.scenario for one in every))
    return [
        row
        for loss in losses
        for name in ("", *names)
        if (row := _row(campaigns, loss, name, plan))
    ]


def runs_with_alarm(campaigns: Sequence[Campaign]) -> Rate | None:
    """Return in how many of the runs without a loss any scenario was called regressed."""
    alarms: dict[tuple[int, int], bool] = {}
    for place, campaign in enumerate(campaigns):
        for one in _judged(campaign, 0.0):
            key = (place, one.run)
            alarms[key] = alarms.get(key, False) or one.verdict is Verdict.REGRESSED
    return Rate(sum(alarms.values()), len(alarms)) if alarms else None


def _row(
    campaigns: Sequence[Campaign], loss: float, name: str, plan: Plan
) -> LiveRow | None:
    judged = [one for c in campaigns for one in _judged(c, loss, name)]
    if not judged:
        return None
    simulated = [one for c in campaigns for one in _simulated(c, loss, name, plan)]
    return LiveRow(
        loss=loss,
        scenario=name,
        verdicts=Counter(one.verdict for c in campaigns for one in _of_loss(c, loss, name)),
        regressed=_share(one.verdict for one in judged),
        simulated=_share(simulated) if simulated else None,
        measured_loss=_measured_loss(judged),
    )


def _simulated(campaign: Campaign, loss: float, name: str, plan: Plan) -> list[Verdict]:
    """Return the verdicts on the runs without a loss, reduced by the measured loss.

    Scenarios that have no run with that loss in the campaign are left out.
    """
    baselines = {one.scenario: one for one in campaign if one.run < 0}
    of_run = Counter(one.run for one in campaign)
    found = []
    for one in _judged(campaign, 0.0, name):
        factor = _remaining_share(campaign, loss, one.scenario)
        if factor is None:
            continue
        baseline = Sample(p for launch in baselines[one.scenario].launches for p in launch)
        slowed = [
            [replace(pair, scenario_rps=pair.scenario_rps * factor) for pair in launch]
            for launch in one.launches
        ]
        rule = plan.rule(one.scenario, of_run[one.run])
        found.append(first_verdict(slowed, [baseline], rule)[0])
    return found


def _remaining_share(campaign: Campaign, loss: float, name: str) -> float | None:
    """Return the efficiency of the runs with `loss` over that of the runs without.

    Both are relative to the same baseline, so its error cancels.
    """
    if loss == 0.0:
        return 1.0
    without, slowed = (_mean_log_change(_judged(campaign, x, name)) for x in (0.0, loss))
    if without is None or slowed is None:
        return None
    return math.exp(slowed - without)


def _of_loss(campaign: Campaign, loss: float, name: str) -> Iterable[LiveVerdict]:
    for one in campaign:
        if one.run >= 0 and one.loss == loss and name in ("", one.scenario):
            yield one


def _judged(campaign: Campaign, loss: float, name: str = "") -> list[LiveVerdict]:
    every = _of_loss(campaign, loss, name)
    return [one for one in every if one.verdict is not Verdict.INVALID]


def _share(verdicts: Iterable[Verdict]) -> Rate:
    every = list(verdicts)
    return Rate(sum(verdict is Verdict.REGRESSED for verdict in every), len(every))


def _measured_loss(judged: Sequence[LiveVerdict]) -> float | None:
    """Return 1 - the geometric mean of the estimated changes."""
    mean_log = _mean_log_change(judged)
    return None if mean_log is None else 1.0 - math.exp(mean_log)


def _mean_log_change(judged: Sequence[LiveVerdict]) -> float | None:
    logs = [math.log(one.change) for one in judged if one.change is not None]
    return float(np.mean(logs)) if logs else None
