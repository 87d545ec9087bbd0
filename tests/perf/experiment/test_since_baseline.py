"""When a measurement that is judged by a baseline has enough launches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from perf.config.table import Table
from perf.experiment.context import RunContext
from perf.experiment.since_baseline import SinceBaseline
from perf.judge.judgement import Judgement
from perf.stats import Block, Pair, Verdict


@pytest.mark.parametrize(
    ("elsewhere", "brief", "verdict", "enough"),
    [
        (True, True, Verdict.INCONCLUSIVE, 1),
        (False, True, Verdict.INCONCLUSIVE, 1),
        (False, True, Verdict.REGRESSED, 1),
        (False, True, Verdict.UNCHANGED, 2),
        (True, False, Verdict.INCONCLUSIVE, 4),
    ],
)
def test_one_launch_is_enough_only_where_the_rest_is_settled(
    monkeypatch: pytest.MonkeyPatch,
    *,
    elsewhere: bool,
    brief: bool,
    verdict: Verdict,
    enough: int,
) -> None:
    """One launch alone passes nothing: `unchanged` needs two.

    If the rest is not settled, a baseline of another CPU ends no sooner than the profile,
    as without one.
    """
    since = judging(monkeypatch, verdict, elsewhere=elsewhere)
    for launches in range(1, 6):
        found = since._decided(pairs_of(launches, 2), 9, brief=brief)
        assert found == (launches >= enough)


def test_one_pair_alone_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compared with nothing, so a launch with one pair is followed by another one."""
    since = judging(monkeypatch, Verdict.INCONCLUSIVE)
    assert not since._decided(pairs_of(1, 1), 9, brief=True)
    assert since._decided(pairs_of(2, 1), 9, brief=True)


def judging(
    monkeypatch: pytest.MonkeyPatch, verdict: Verdict, *, elsewhere: bool = False
) -> SinceBaseline:
    """Return a measurement that is always judged alike; `elsewhere` says on which CPU."""
    monkeypatch.setattr(SinceBaseline, "_is_elsewhere", elsewhere)
    monkeypatch.setattr(SinceBaseline, "_judge", lambda *_: Judgement(verdict=verdict))
    profile = SimpleNamespace(launches=4)
    context = SimpleNamespace(
        complete=False, settings=SimpleNamespace(profile_of=lambda _: profile)
    )
    return SinceBaseline(cast("RunContext", context), Table.read().scenario[0])


def pairs_of(launches: int, each: int) -> list[Pair]:
    """Return so many pairs of each launch."""
    block = Block(1.0)
    numbers = [launch for launch in range(launches) for _ in range(each)]
    return [Pair(scenario=block, reference=block, launch=n) for n in numbers]
