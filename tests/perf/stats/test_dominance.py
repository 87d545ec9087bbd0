"""Which candidates of a race are clearly worse, and which are best."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.stats import Block, Quantity, Sample
from perf.stats.dominance import (
    estimate_of,
    is_dominated,
    mean_of,
    mean_pace_of,
    pareto,
    sample_of,
)
from perf.stats.quantity import MEMORY, P99, THROUGHPUT

properties = settings(derandomize=True, deadline=None)
BOTH = (THROUGHPUT, P99)


def launches_of(
    rps: float, p99_ms: float, *, number: int = 4, noise: float = 0.005
) -> list[list[Block]]:
    """Return launches of two blocks each, with a little noise."""
    draw = random.Random(f"{rps} {p99_ms}")  # noqa: S311 -- noise, not a secret

    def near(value: float) -> float:
        return value * math.exp(draw.gauss(0.0, noise))

    return [
        [Block(rps=near(rps), pace=1.0, p99_ms=near(p99_ms)) for _ in range(2)]
        for _ in range(number)
    ]


def sample(rps: float, p99_ms: float, number: int = 4) -> Sample:
    """Return such launches as a sample."""
    return sample_of(launches_of(rps, p99_ms, number=number))


def test_slower_and_later_is_dominated() -> None:
    """The better one is not dominated by the worse one."""
    good, bad = sample(10.0, 100.0), sample(7.0, 150.0)
    assert is_dominated(bad, good, BOTH)
    assert not is_dominated(good, bad, BOTH)


def test_a_trade_off_is_kept() -> None:
    """Slower but with a much better latency: neither dominates the other."""
    fast, quick = sample(10.0, 200.0), sample(7.0, 100.0)
    assert not is_dominated(fast, quick, BOTH)
    assert not is_dominated(quick, fast, BOTH)


def test_what_two_launches_cannot_tell_apart_is_kept() -> None:
    """A loss of 2 % is not clear after two launches."""
    assert not is_dominated(sample(9.8, 100.0, 2), sample(10.0, 100.0, 2), BOTH)


def test_a_quantity_that_was_not_measured_decides_nothing() -> None:
    """Memory is missing here, and throughput alone decides."""
    good, bad = sample(10.0, 100.0), sample(7.0, 100.0)
    assert is_dominated(bad, good, (THROUGHPUT, MEMORY))
    assert mean_of(bad, MEMORY) == -math.inf
    assert estimate_of(bad, MEMORY, 0.025, 1.0) is None


@pytest.mark.parametrize(
    ("quantity", "value"), [(THROUGHPUT, 10.0), (P99, 100.0)], ids=["throughput", "p99"]
)
def test_a_value_is_shown_in_its_own_unit(quantity: Quantity, value: float) -> None:
    """Throughput and latency alike, at the pace that was asked for."""
    launches = [
        [Block(rps=10.0 * pace, pace=pace, p99_ms=100.0 / pace)] * 2 for pace in (0.5, 2.0)
    ]
    found = estimate_of(sample_of(launches), quantity, 0.025, mean_pace_of([launches]))
    assert found is not None
    assert found.point == pytest.approx(value)
    assert found.low <= found.point <= found.high


def test_values_at_one_pace_are_in_the_order_of_their_goodness() -> None:
    """A candidate that was measured while the machine was slow is not shown as slow."""
    slowed = sample_of([[Block(rps=6.0, pace=0.5)] * 2] * 3)
    other = sample_of([[Block(rps=10.0, pace=1.0)] * 2] * 3)
    first, second = (estimate_of(one, THROUGHPUT, 0.025, 0.75) for one in (slowed, other))
    assert first is not None
    assert second is not None
    assert mean_of(slowed, THROUGHPUT) > mean_of(other, THROUGHPUT)
    assert first.point == pytest.approx(9.0)
    assert second.point == pytest.approx(7.5)


def test_without_a_pace_the_mean_pace_is_one() -> None:
    """Nothing is then multiplied."""
    slow, fast = Block(rps=1.0, pace=2.0), Block(rps=1.0, pace=8.0)
    assert mean_pace_of([[[Block(rps=1.0)]]]) == 1.0
    assert mean_pace_of([[[slow]], [[fast]]]) == 4.0


VALUES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.tuples(*[st.integers(0, 4).map(float)] * 2),
    min_size=1,
    max_size=8,
)


@properties
@given(values=VALUES)
def test_the_best_are_beaten_by_none(values: dict[str, tuple[float, float]]) -> None:
    """Every other one is beaten by one of the best, and the best of one quantity is in."""
    best = pareto(values)
    assert best
    for name, own in values.items():
        beaten = any(
            values[other] != own
            and all(a >= b for a, b in zip(values[other], own, strict=True))
            for other in best
        )
        assert beaten is (name not in best)
