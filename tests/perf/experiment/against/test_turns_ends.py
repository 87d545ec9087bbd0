"""However a pair of blocks in turns ends, nothing stays stopped."""

from __future__ import annotations

from typing import Any

import pytest

from perf.experiment.turns import Turns
from serving.child import ChildError


class Guard:
    """Stands in for the process that lets others continue; it may have died."""

    def __init__(self, *, dies: bool = False) -> None:
        self.told: list[object] = []
        self._dies = dies

    def send(self, message: object) -> None:
        """Keep the message."""
        self.told.append(message)
        if self._dies and len(self.told) > 1:
            raise ChildError("the guard died")

    def receive(self, _deadline_s: float) -> None:
        """Answer at once."""


class Side:
    """Stands in for one tree; it is its own freezer."""

    groups, pids = frozenset({1}), frozenset({2})

    def __init__(self, fault: BaseException | None = None) -> None:
        self.freezer = self
        self.states: list[str] = []
        self._fault = fault

    def stop(self) -> None:
        """Stop."""
        self.states.append("stopped")

    def go(self) -> None:
        """Continue, unless something comes in between."""
        if self._fault:
            raise self._fault
        self.states.append("running")


@pytest.mark.parametrize("which", [0, 1])
def test_one_tree_that_cannot_continue_keeps_no_other_stopped(which: int) -> None:
    """An interrupt in between is the same. The guard forgets both trees."""
    guard: Any = Guard()
    sides: list[Any] = [Side(), Side()]
    sides[which] = Side(KeyboardInterrupt())
    arms: Any = None
    turns = Turns(ours=arms, theirs=arms, turn_s=0.5, guard=guard)
    with pytest.raises(KeyboardInterrupt), turns._stopped(sides):
        assert [side.states for side in sides] == [["stopped"], ["stopped"]]
    assert sides[1 - which].states == ["stopped", "running"]
    assert guard.told[-1] == (frozenset(), frozenset())


def test_both_trees_continue_although_the_guard_died() -> None:
    """They are let go before it is told, and the fault is raised."""
    guard: Any = Guard(dies=True)
    sides: list[Any] = [Side(), Side()]
    arms: Any = None
    turns = Turns(ours=arms, theirs=arms, turn_s=0.5, guard=guard)
    with pytest.raises(ChildError, match="the guard died"), turns._stopped(sides):
        pass
    assert [side.states[-1] for side in sides] == ["running", "running"]
