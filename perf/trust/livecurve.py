"""What live runs say of the gate, beside what drawing the same runs again says. Pure.

A live loss is computed away inside the server, and what is computed also takes time from
whatever else runs: more is lost than was asked for. Its counterpart is every run without a
loss, its throughputs divided by what the slowed runs really lost beside it, as
`perf.trust.resample` divides, and judged against the same baseline: if both give the same
shares, the drawn curve can be believed.
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
from perf.trust.resample import Plan, follow


class Seen(Protocol):
    """One verdict of one live run; see `perf.trust.outcomes`."""

    @property
    def run(self) -> int:
        """The run's number; -1 for the one that is the others' baseline."""

    @property
    def loss(self) -> float:
        """The share of throughput that was taken from the server."""

    @property
    def scenario(self) -> str:
        """The scenario's name."""

    @property
    def verdict(self) -> Verdict:
        """What the gate said."""

    @property
    def change(self) -> float | None:
        """The estimated speed over the baseline's."""

    @property
    def launches(self) -> list[list[Pair]]:
        """The pairs of each launch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """The verdicts on one loss: live ones, and those of runs that were divided.

    They are of one scenario, or of all where `scenario` is empty. `loss_seen` is the mean
    loss that was estimated, as a share.
    """

    loss: float
    scenario: str
    verdicts: Mapping[Verdict, int]
    regressed: Rate
    divided: Rate | None
    loss_seen: float | None


def live_rows(campaigns: Sequence[Sequence[Seen]], plan: Plan) -> list[LiveRow]:
    """Return rows for each loss that was tried, the smallest first.

    The first of a loss is of all scenarios, the others of one each. Each campaign is of
    runs against one baseline, judged as `plan` has it. Invalid verdicts are counted, and
    are part of no rate.
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


def runs_with_alarm(campaigns: Sequence[Sequence[Seen]]) -> Rate | None:
    """Return how many of the runs without a loss called any scenario regressed."""
    alarms: dict[tuple[int, int], bool] = {}
    for place, campaign in enumerate(campaigns):
        for one in _judged(campaign, 0.0):
            key = (place, one.run)
            alarms[key] = alarms.get(key, False) or one.verdict is Verdict.REGRESSED
    return Rate(sum(alarms.values()), len(alarms)) if alarms else None


def _row(
    campaigns: Sequence[Sequence[Seen]], loss: float, name: str, plan: Plan
) -> LiveRow | None:
    judged = [one for c in campaigns for one in _judged(c, loss, name)]
    if not judged:
        return None
    divided = [one for c in campaigns for one in _divided(c, loss, name, plan)]
    return LiveRow(
        loss=loss,
        scenario=name,
        verdicts=Counter(one.verdict for c in campaigns for one in _of_loss(c, loss, name)),
        regressed=_share(one.verdict for one in judged),
        divided=_share(divided) if divided else None,
        loss_seen=_loss_seen(judged),
    )


def _divided(campaign: Sequence[Seen], loss: float, name: str, plan: Plan) -> list[Verdict]:
    """Return the verdicts on the runs without a loss, divided by what `loss` came to.

    A scenario of which the campaign has no run with that loss is left out.
    """
    baselines = {one.scenario: one for one in campaign if one.run < 0}
    of_run = Counter(one.run for one in campaign)
    found = []
    for one in _judged(campaign, 0.0, name):
        left = _left(campaign, loss, one.scenario)
        if left is None:
            continue
        baseline = Sample(p for launch in baselines[one.scenario].launches for p in launch)
        slowed = [
            [replace(pair, scenario_rps=pair.scenario_rps * left) for pair in launch]
            for launch in one.launches
        ]
        rule = plan.rule(one.scenario, of_run[one.run])
        found.append(follow(slowed, [baseline], rule)[0])
    return found


def _left(campaign: Sequence[Seen], loss: float, name: str) -> float | None:
    """Return the share of throughput that runs with `loss` have of those without one.

    The error of the baseline is in both, and falls out.
    """
    if loss == 0.0:
        return 1.0
    without, slowed = (_mean_log_change(_judged(campaign, x, name)) for x in (0.0, loss))
    if without is None or slowed is None:
        return None
    return math.exp(slowed - without)


def _of_loss(campaign: Sequence[Seen], loss: float, name: str) -> Iterable[Seen]:
    for one in campaign:
        if one.run >= 0 and one.loss == loss and name in ("", one.scenario):
            yield one


def _judged(campaign: Sequence[Seen], loss: float, name: str = "") -> list[Seen]:
    every = _of_loss(campaign, loss, name)
    return [one for one in every if one.verdict is not Verdict.INVALID]


def _share(verdicts: Iterable[Verdict]) -> Rate:
    every = list(verdicts)
    return Rate(sum(verdict is Verdict.REGRESSED for verdict in every), len(every))


def _loss_seen(judged: Sequence[Seen]) -> float | None:
    """Return 1 - the geometric mean of the estimated changes."""
    mean_log = _mean_log_change(judged)
    return None if mean_log is None else 1.0 - math.exp(mean_log)


def _mean_log_change(judged: Sequence[Seen]) -> float | None:
    logs = [math.log(one.change) for one in judged if one.change is not None]
    return float(np.mean(logs)) if logs else None
