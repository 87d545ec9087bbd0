"""Two hosts run their blocks in turns: one is stopped while the other runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise

import psutil
import pytest

from perf.experiment.against.hosted import HostedArm, HostedError
from perf.experiment.instruments import Instruments
from perf.experiment.turns import Turns
from perf.load.record import JobRecord
from perf.machine.pace_process import Spans
from serving.child import ChildError
from tests.perf.experiment.against.test_hosted import family, start
from tests.support.fakes import ended, fake_instruments, wait_until

__all__ = ["start"]  # a fixture

pytestmark = pytest.mark.slow(reason="starts hosts, which load a model")

TURN_S = 0.1
TOTAL = 8
AT_REST = {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}


@pytest.fixture
def arms(start: Callable[..., HostedArm]) -> tuple[HostedArm, HostedArm]:
    """Two hosts of the same row, warmed up."""
    found = start(total=TOTAL), start(total=TOTAL)
    for arm in found:
        arm.relaunch()
        arm.warm_up()
    return found


@pytest.fixture
def turns(arms: tuple[HostedArm, HostedArm]) -> Iterator[Turns]:
    """The same, in turns."""
    made = Turns.start(*arms, TURN_S)
    yield made
    made.stop()


@pytest.fixture
def instruments() -> Instruments:
    """Instruments that measure nothing."""
    return fake_instruments([], yardstick_rps=())


def states(arm: HostedArm) -> set[str]:
    """Return the states of a host and of all processes under it."""
    found: set[str] = set()
    for pid in family(arm):
        try:
            found.add(psutil.Process(pid).status())
        except psutil.NoSuchProcess:
            continue
    return found


def overlap_s(one: Spans, other: Spans) -> float:
    """Return for how long both ran."""
    return sum(
        max(0.0, min(end_s, until_s) - max(begin_s, since_s))
        for begin_s, end_s in one
        for since_s, until_s in other
    )


@pytest.mark.parametrize("ours_first", [True, False])
def test_each_block_is_timed_by_its_own_clock(
    turns: Turns, instruments: Instruments, *, ours_first: bool
) -> None:
    """The spans of both do not overlap, and each block is as long as its spans.

    No job begins before its block or ends after it, and all answers are right.
    """
    heard: list[JobRecord] = []
    blocks = turns.run(instruments, heard.append, ours_first=ours_first)
    assert overlap_s(blocks[0].spans, blocks[1].spans) == 0.0
    assert (blocks[0].spans[0] < blocks[1].spans[0]) == ours_first
    for arm, seen in zip((turns.ours, turns.theirs), blocks, strict=True):
        totals = seen.block.run.totals
        ran_s = sum(end_s - begin_s for begin_s, end_s in seen.spans)
        assert seen.block.run.duration_s == pytest.approx(ran_s)
        assert len(seen.spans) > 1
        assert all(end_s <= begin_s for (_, end_s), (begin_s, _) in pairwise(seen.spans))
        assert len(seen.block.run.records) == TOTAL
        for one in seen.block.run.records:
            times = (one.scheduled_s, one.launched_s, one.started_s, one.ended_s)
            assert totals.began_s <= times[0] <= times[1] <= times[2] <= times[3]
            assert times[3] <= totals.ended_s + 1e-6
        arm.check(seen.block).raise_if_bad("in turns")
    assert tuple(heard) == blocks[0].block.run.records


def test_one_tree_is_stopped_while_the_other_runs(
    turns: Turns, instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its processes are, jobs that have just been born too; afterwards none is."""
    turn = 0
    waiting = {turns.ours: turns.theirs, turns.theirs: turns.ours}
    for arm, other in waiting.items():

        def look(timeout_s: float, arm: HostedArm = arm, other: HostedArm = other) -> bool:
            nonlocal turn
            turn += 1
            # On a busy machine a process may have to wait for a core before it stops.
            wait_until(lambda: states(other) <= AT_REST, "the other tree stops")
            return HostedArm.has_ended(arm, timeout_s)

        monkeypatch.setattr(arm, "has_ended", look)
    turns.run(instruments, None, ours_first=True)
    assert turn > 3
    for arm in waiting:
        assert psutil.STATUS_STOPPED not in states(arm)


def continues(arm: HostedArm) -> None:
    """Wait until no process of an arm is stopped."""
    wait_until(lambda: psutil.STATUS_STOPPED not in states(arm), "all processes continue")


def test_a_host_that_dies_in_its_turn_is_told(
    turns: Turns, instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says so, and the other tree continues."""

    def die(timeout_s: float) -> bool:
        os.kill(turns.ours.host_pids()[0], signal.SIGKILL)
        return HostedArm.has_ended(turns.ours, timeout_s)

    monkeypatch.setattr(turns.ours, "has_ended", die)
    with pytest.raises(HostedError, match=r"against\.host died"):
        turns.run(instruments, None, ours_first=True)
    continues(turns.theirs)


def test_after_ctrl_c_nothing_stays_stopped(
    turns: Turns, instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both trees continue, so that they can be ended."""

    def interrupt(_timeout_s: float) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(turns.theirs, "has_ended", interrupt)
    with pytest.raises(KeyboardInterrupt):
        turns.run(instruments, None, ours_first=True)
    pids = [*family(turns.ours), *family(turns.theirs)]
    for arm in (turns.ours, turns.theirs):
        continues(arm)
        arm.stop()
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


def test_a_block_that_never_ends_is_told(
    turns: Turns, instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline counts both trees."""
    monkeypatch.setattr("perf.experiment.turns._MOST_S", 0.0)
    with pytest.raises(ChildError, match="did not end within 0 s"):
        turns.run(instruments, None, ours_first=True)
