"""The gate side by side: what is judged beside throughput, and what cannot be."""

from __future__ import annotations

import pytest

from perf.judge.gate import judge_side_by_side
from perf.judge.judgement import Judgement
from perf.stats import Block, Pair, Verdict
from tests.perf.judge.judging import terms


def beside(*launches: tuple[Block, Block]) -> Judgement:
    """Return the verdict side by side, with one pair in each launch."""
    measured = [Pair(ours, theirs, n) for n, (ours, theirs) in enumerate(launches)]
    return judge_side_by_side(measured, terms(0.2, len(measured)))


@pytest.mark.parametrize(("times", "verdict"), [(1.15, "unchanged"), (1.23, "regressed")])
def test_what_may_grow_has_the_tolerance_that_is_written(
    times: float, verdict: str
) -> None:
    """A p99 that may grow by 20 % may grow by 15 %, and not by 23 %."""
    found = beside(
        *[
            (
                Block(2.0, 1.0, p99_ms=100.0 * times * noise),
                Block(2.0, 1.0, p99_ms=100.0 * noise),
            )
            for noise in (0.999, 1.0, 1.001, 1.0, 0.999, 1.001, 1.0, 1.0)
        ]
    )
    (p99,) = [one for one in found.quantities if one.quantity == "p99"]
    assert p99.verdict == verdict
    assert p99.tolerance == pytest.approx(0.2)


def test_what_may_be_worse_is_told() -> None:
    """The verdict is that of throughput; what seems worse and is not certain has a name."""
    found = beside(
        *[
            (Block(2.0, 1.0, p99_ms=100.0 * times), Block(2.0, 1.0, p99_ms=100.0))
            for times in (1.0, 3.0, 1.0, 1.9)
        ]
    )
    assert found.verdict is Verdict.UNCHANGED
    assert [one.quantity for one in found.suspects] == ["p99"]
    assert not found.is_decided
    assert not found.incomplete


def test_a_quantity_that_is_missing_in_a_launch_is_told() -> None:
    """The reason is too. What was measured in no launch is not missing."""
    one = Block(2.0, 1.0, memory_bytes=1e9)
    found = beside((one, one), (one, one), (Block(2.0, 1.0), one))
    assert found.incomplete == {"memory": "memory was not measured everywhere"}


def test_memory_that_was_counted_in_two_ways_is_not_compared() -> None:
    """RSS counts shared memory several times: no regression. The reason is told."""
    ours = Block(2.0, 1.0, memory_bytes=2e9, memory_kind="rss")
    theirs = Block(2.0, 1.0, memory_bytes=1e9)
    found = beside((ours, theirs), (ours, theirs))
    assert found.verdict is not Verdict.REGRESSED
    assert found.incomplete == {"memory": "memory was measured in two ways, pss and rss"}
