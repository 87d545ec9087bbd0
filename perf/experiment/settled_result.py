"""The result of a scenario that was settled: from both of its measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from perf.judge.settling import settled
from perf.judge.validity import Shares, worse_shares
from perf.report.result import Requests, ScenarioResult


def settled_result(before: ScenarioResult, beside: ScenarioResult) -> ScenarioResult:
    """Return the result since the baseline, with what was found `beside` the other tree.

    Figures stay those of `before`. The verdict is that of `beside`, so whatever can spoil
    a measurement counts of both: failed requests, replaced pairs, a disturbed machine.
    """
    return replace(
        before,
        judgement=settled(before.judgement, beside.judgement),
        against_pairs=beside.pairs,
        requests=Requests(
            total=before.requests.total + beside.requests.total,
            failed=before.requests.failed + beside.requests.failed,
            wrong=before.requests.wrong + beside.requests.wrong,
            missed=before.requests.missed + beside.requests.missed,
        ),
        replaced=(*before.replaced, *beside.replaced),
        disturbed=before.disturbed or beside.disturbed,
        conditions=_worse(before.conditions, beside.conditions),
    )


def _worse(one: Mapping[str, Shares], other: Mapping[str, Shares]) -> dict[str, Shares]:
    """Return the higher shares of each arm."""
    both = {arm: worse_shares(one[arm], other[arm]) for arm in one.keys() & other.keys()}
    return {**one, **other, **both}
