"""A clock that stands still now and then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.machine import active as module
from perf.machine.active import ActiveTime


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock; `now_s` sets it."""
    clock = SimpleNamespace(now_s=100.0)
    clock.monotonic = lambda: clock.now_s
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_it_runs_between_go_and_stop(time: SimpleNamespace) -> None:
    """It stands still at first, and after each stop."""
    clock = ActiveTime()
    time.now_s = 105.0
    assert clock.now() == 0.0
    clock.go()
    time.now_s = 107.0
    assert clock.now() == 2.0
    clock.stop()
    clock.stop()  # it stands already
    time.now_s = 110.0
    assert clock.now() == 2.0
    clock.go()
    time.now_s = 111.5
    assert clock.now() == 3.5
    clock.stop()
    assert clock.spans(0.0, 200.0) == ((105.0, 107.0), (110.0, 111.5))
    assert clock.spans(106.0, 111.0) == ((106.0, 107.0), (110.0, 111.0))
    assert clock.spans(107.0, 110.0) == ()


@given(
    lengths=st.lists(st.integers(1, 50), min_size=2, max_size=20),
    at=st.integers(0, 1000),
    later=st.integers(0, 1000),
)
def test_what_it_told_is_how_long_it_ran(lengths: list[int], at: int, later: int) -> None:
    """Between two times it advances by the length of its spans between them."""
    clock, now = ActiveTime(), SimpleNamespace(now_s=0.0)
    now.monotonic = lambda: now.now_s
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", now)
        for place, length in enumerate(lengths):
            (clock.stop if place % 2 else clock.go)()
            now.now_s += length
        clock.stop()
    begin, end = float(min(at, later)), float(max(at, later))
    ran = sum(until - since for since, until in clock.spans(begin, end))
    assert clock.before(end) - clock.before(begin) == ran
    assert clock.before(1e9) == clock.now() == sum(lengths[0::2])
