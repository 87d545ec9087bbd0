"""How noisy the machine is: the same instruments and limits as those of a run."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.commands.doctor.findings import Level
from perf.commands.doctor.noise import Noise, findings, listen
from perf.judge import validity
from perf.judge.validity import Shares
from perf.machine.facts import read_machine

QUIET = Noise(
    duration_s=20.0,
    shares=Shares(
        stolen_percent=0.1,
        foreign_percent=0.6,
        throttled_percent=0.0,
        idle_arm_percent=0.0,
        busiest={"cc (812)": 0.5},
    ),
    paces=(1.0, 1.02, 0.99, 1.0),
)
percents = st.floats(0.0, 100.0)


def test_a_calm_machine_has_figures_and_no_remedy() -> None:
    """Each reading has its limit beside it."""
    found = list(findings(QUIET))
    assert {one.level for one in found} == {Level.GOOD}
    assert found[1].what == "other processes used 0.6 % of the CPU (limit 4 %)"
    assert "changed by at most 3.0 %" in found[3].what
    assert found[-1].what == "the machine was calm for 20 s"
    assert not any(one.remedy for one in found)


def test_a_busy_machine_names_the_processes() -> None:
    """The reading that is beyond its limit is a warning, and a run could still start."""
    busy = replace(QUIET, shares=replace(QUIET.shares, foreign_percent=6.2))
    found = list(findings(busy))
    assert found[1].what.endswith("6.2 % of the CPU (limit 4 %), busiest cc (812) 0.5 %")
    assert found[1].level is Level.WARNING
    assert found[1].remedy
    assert found[-1].what.startswith("the machine was noisy in these 20 s: ")
    assert Level.FAULT not in {one.level for one in found}


def test_a_jump_of_the_pace_is_noise() -> None:
    """The limit is that of a pair's two blocks."""
    edge = math.exp(validity.PACE_JUMP)
    assert replace(QUIET, paces=(1.0, 0.999 * edge)).is_calm
    restless = replace(QUIET, paces=(1.0, 1.0, 1.001 * edge))
    assert not restless.is_calm
    assert [one.level for one in findings(restless)][-2:] == [Level.WARNING, Level.WARNING]


def test_without_a_pace_nothing_is_called_calm() -> None:
    """The machine may still be known to be noisy."""
    deaf = replace(QUIET, paces=())
    assert deaf.is_calm is None
    said = [one.what for one in findings(deaf)]
    assert said[-1] == "the pace of the cores could not be measured in so short a time"
    busy = replace(deaf, shares=replace(QUIET.shares, foreign_percent=6.2))
    assert busy.is_calm is False


@given(percents, percents, percents, st.lists(st.floats(0.1, 10.0), max_size=4))
def test_it_is_calm_where_a_run_would_be(
    stolen: float, foreign: float, throttled: float, paces: list[float]
) -> None:
    """It agrees with the gate: no disturbance, and no jump of the pace."""
    seen = replace(
        QUIET.shares,
        stolen_percent=stolen,
        foreign_percent=foreign,
        throttled_percent=throttled,
    )
    heard = Noise(duration_s=1.0, shares=seen, paces=paces)
    jumps = [abs(math.log(b / a)) for a, b in pairwise(paces)]
    near = any(abs(jump - validity.PACE_JUMP) < 1e-9 for jump in jumps)
    if not near:
        disturbed = bool(validity.disturbances({"": seen}))
        jumped = any(jump > validity.PACE_JUMP for jump in jumps)
        calm = True if paces else None
        assert heard.is_calm == (calm if not disturbed and not jumped else False)


def test_the_limits_are_the_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the gate allows less, so does the doctor."""
    monkeypatch.setattr(validity, "FOREIGN_PERCENT", 0.5)
    assert not QUIET.is_calm


def test_a_real_machine_is_heard() -> None:
    """Every core has a pace in each part, and the shares are shares."""
    heard = listen(2.4, read_machine().usable_cores)
    assert len(heard.paces) == 4
    assert all(pace > 0.0 for pace in heard.paces)
    seen = heard.shares
    for percent in (seen.stolen_percent, seen.foreign_percent, seen.throttled_percent):
        assert 0.0 <= percent <= 110.0  # the kernel counts in ticks
