"""The quantities that are judged: what is better, and what the pace explains."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.stats import QUANTITIES, THROUGHPUT, Block, Quantity
from perf.stats.quantity import CPU, MEMORY, P99

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)

FIELDS = {THROUGHPUT: "rps", MEMORY: "memory_bytes", CPU: "cpu_ms", P99: "p99_ms"}
BLOCK = Block(rps=5.0, pace=1.2, cpu_ms=200.0, memory_bytes=2e9, p99_ms=900.0)
each_quantity = pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda q: q.name)
factors = st.floats(min_value=0.01, max_value=100.0)


def goodness(quantity: Quantity, block: Block) -> float:
    """Return the goodness of a block; fail where it is not known."""
    value = quantity.goodness(block)
    assert value is not None
    return value


def scaled(quantity: Quantity, factor: float) -> Block:
    """Return the block with a value of the quantity that is `factor` times as large."""
    name = FIELDS[quantity]
    value: float = getattr(BLOCK, name)
    changed: dict[str, Any] = {name: value * factor}
    return replace(BLOCK, **changed)


@each_quantity
@given(factor=factors)
@properties
def test_more_throughput_is_better_and_less_of_the_rest(
    quantity: Quantity, factor: float
) -> None:
    """Goodness grows with throughput, and falls with memory, CPU time and latency."""
    moved = goodness(quantity, scaled(quantity, factor)) - goodness(quantity, BLOCK)
    sign = 1 if quantity is THROUGHPUT else -1
    assert quantity.better == sign
    assert moved == pytest.approx(sign * math.log(factor), abs=1e-9)


@each_quantity
@given(factor=factors)
@properties
def test_a_faster_machine_is_no_merit(quantity: Quantity, factor: float) -> None:
    """On a machine with c times the pace, c times the throughput is just as good.

    So is a c-th of the times. Memory does not depend on the pace.
    """
    explained = {THROUGHPUT: factor, CPU: 1 / factor, P99: 1 / factor, MEMORY: 1.0}
    block = replace(scaled(quantity, explained[quantity]), pace=1.2 * factor)
    assert goodness(quantity, block) == pytest.approx(goodness(quantity, BLOCK), abs=1e-9)


@each_quantity
def test_a_value_that_was_not_measured_has_no_goodness(quantity: Quantity) -> None:
    """Without the value there is no goodness; throughput is always measured."""
    known = quantity.goodness(Block(rps=5.0, pace=1.2)) is not None
    assert known == (quantity is THROUGHPUT)


@each_quantity
def test_without_a_pace_only_memory_can_be_judged(quantity: Quantity) -> None:
    """A value that depends on the pace has no goodness where the pace is not known."""
    known = quantity.goodness(replace(BLOCK, pace=None)) is not None
    assert known == (quantity is MEMORY)


def test_throughput_comes_first_and_the_shares_make_one() -> None:
    """The first quantity is throughput; together they make the error of one scenario."""
    assert QUANTITIES[0] is THROUGHPUT
    assert set(QUANTITIES) == set(FIELDS)
    assert math.fsum(quantity.share for quantity in QUANTITIES) == pytest.approx(1.0)
    assert len({quantity.name for quantity in QUANTITIES}) == len(QUANTITIES)


def test_only_memory_is_a_peak() -> None:
    """The highest memory of a launch counts, and the mean of everything else."""
    assert [quantity for quantity in QUANTITIES if quantity.peak] == [MEMORY]
