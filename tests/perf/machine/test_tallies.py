"""The sums of CPU time and the peak of memory, from made-up readings."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.machine import tallies
from perf.machine.tallies import CpuTally, MemoryTally, Reading


def reading(at_s: float, cpu_s: Mapping[str, float], root: int = 1) -> Reading:
    """Return a reading at which `root` was alive."""
    made = Reading(at_s, roots={("part", root, 0.0)})
    made.cpu_s.update(cpu_s)
    return made


@given(
    st.lists(
        st.tuples(st.floats(0.25, 3), st.floats(0, 5), st.booleans(), st.floats(0, 5)),
        max_size=20,
    )
)
def test_a_counter_that_falls_for_a_moment_changes_no_sum(
    steps: list[tuple[float, float, bool, float]],
) -> None:
    """However often a reading misses a job, the sum is the last counter minus the first."""
    tally = CpuTally(2.0)
    at_s = total_s = 0.0
    tally.resume(reading(at_s, {"jobs": total_s}))
    for wall_s, used_s, missed, missed_s in [*steps, (1.0, 0.0, False, 0.0)]:
        at_s, total_s = at_s + wall_s, total_s + used_s
        seen_s = max(0.0, total_s - missed_s) if missed else total_s
        tally.add(reading(at_s, {"jobs": seen_s}))
    assert tally.by_part["jobs"] == pytest.approx(total_s)
    mean, highest = tally.percent_mean(), tally.percent_max()
    assert mean == pytest.approx(min(100.0, 100.0 * total_s / at_s / 2.0))
    assert mean is not None
    assert highest is not None
    assert mean <= highest <= 100.0


def test_an_interval_in_which_a_root_changed_is_left_out() -> None:
    """When a server is launched again, the jump of the counter is not CPU time."""
    tally = CpuTally(2.0)
    tally.resume(reading(0.0, {"server": 10.0}, root=1))
    tally.add(reading(1.0, {"server": 11.0}, root=1))
    tally.add(reading(2.0, {"server": 500.0}, root=2))
    tally.add(reading(3.0, {"server": 501.0}, root=2))
    assert tally.by_part == {"server": 2.0}
    assert tally.percent_mean() == pytest.approx(50.0)
    assert tally.percent_max() == pytest.approx(50.0)


def test_the_maximum_is_over_half_a_second_or_more() -> None:
    """A burst of 10 ms is no maximum: the kernel counts in steps of 10 ms."""
    tally = CpuTally(1.0)
    tally.resume(reading(0.0, {"jobs": 0.0}))
    for at_s, total_s in [(0.01, 0.01), (0.5, 0.1), (1.0, 0.4), (1.01, 0.41)]:
        tally.add(reading(at_s, {"jobs": total_s}))
    assert tally.percent_max() == pytest.approx(60.0)


def test_pss_is_read_where_it_can_have_risen_and_the_budget_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PSS is read first in each block, and later with a budget and an RSS near its peak."""
    asked = []

    def pss_bytes(pids: list[int]) -> int:
        asked.append(pids)
        return 500

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(tallies, "pss_bytes", pss_bytes)
    tally = MemoryTally()

    def pss_is_read(rss_bytes: int, budget_s: float) -> bool:
        before = len(asked)
        made = reading(0.0, {})
        made.rss_bytes = rss_bytes
        tally.add(made, budget_s)
        return len(asked) > before

    assert pss_is_read(1000, budget_s=-1.0)
    assert not pss_is_read(1000, budget_s=-1.0)
    assert pss_is_read(1000, budget_s=1.0)
    assert not pss_is_read(800, budget_s=1.0)
    assert pss_is_read(2000, budget_s=1.0)
    assert not pss_is_read(1000, budget_s=1.0)
    tally.resume()
    assert pss_is_read(800, budget_s=-1.0)
    assert not pss_is_read(800, budget_s=-1.0)
    assert tally.peak_bytes() == 500
