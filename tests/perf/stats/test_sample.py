"""Blocks, pairs and samples: what they refuse, and what they return."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from perf.stats import Block, Pair, Sample, TooFewPairs
from perf.stats.sample import squares

IMPOSSIBLE = [0.0, -1.0, math.nan, math.inf]
ONE = Block(1.0)


def pair(scenario: float, launch: int = 0) -> Pair:
    """Return a pair whose reference has a throughput of 1."""
    return Pair(Block(scenario), ONE, launch)


@pytest.mark.parametrize("value", IMPOSSIBLE)
@pytest.mark.parametrize("name", [one.name for one in fields(Block) if one.type != "str"])
def test_a_block_refuses_an_impossible_value(name: str, value: float) -> None:
    """Zero, a negative number, NaN and infinity are refused, and the field is named."""
    changed: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} must be finite and above zero"):
        replace(Block(rps=1.0), **changed)


def test_a_block_may_have_a_throughput_only() -> None:
    """What was not measured is None."""
    bare = Block(2.0)
    assert bare.rps == 2.0
    assert {bare.pace, bare.cpu_ms, bare.memory_bytes, bare.p99_ms} == {None}


@pytest.mark.parametrize("rate", IMPOSSIBLE)
def test_a_pair_refuses_an_impossible_yardstick(rate: float) -> None:
    """The same values are refused for the yardstick."""
    with pytest.raises(ValueError, match="yardstick_rps must be finite and above zero"):
        Pair(ONE, ONE, 0, yardstick_rps=rate)


def test_a_pair_may_have_no_yardstick() -> None:
    """A pair without a yardstick has None for it."""
    bare = Pair(ONE, ONE, 0)
    assert bare.yardstick_rps is None
    assert replace(bare, yardstick_rps=3.0).yardstick_rps == 3.0


@pytest.mark.parametrize("count", [0, 1])
def test_a_sample_refuses_fewer_than_two_pairs(count: int) -> None:
    """Fewer than two pairs raise TooFewPairs, and the message says how many there were."""
    with pytest.raises(TooFewPairs, match=f"at least 2 pairs, not {count}"):
        Sample([pair(1.0)] * count)
    assert issubclass(TooFewPairs, ValueError)


def test_a_sample_keeps_the_order_of_its_pairs() -> None:
    """Log ratios are float64 and launches int64, one for each pair, in the pairs' order."""
    sample = Sample(pair(math.e**k, launch) for k, launch in ((2, 0), (1, 0), (3, 1)))
    assert len(sample) == 3
    assert sample.log_ratios.dtype == np.float64
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert sample.launches.dtype == np.int64
    assert sample.launches.tolist() == [0, 0, 1]


def test_the_log_ratio_of_extreme_throughputs_is_finite() -> None:
    """A ratio too large for a float still has its logarithm, and the other sign swapped."""
    far = Pair(Block(1e300), Block(1e-300), 0)
    sample = Sample([far, Pair(far.reference, far.scenario, 0)])
    assert math.isfinite(sample.log_ratios[0])
    assert sample.log_ratios[0] == -sample.log_ratios[1]


def test_launches_are_averaged_one_by_one() -> None:
    """There is one mean for each launch, in the order of their numbers."""
    sample = Sample(pair(1.0, launch) for launch in (7, 2, 7, 2, 2))
    means = sample.launch_means(np.array([10.0, 1.0, 20.0, 2.0, 6.0]))
    assert means.tolist() == pytest.approx([3.0, 15.0])


def test_the_squares_are_about_the_mean() -> None:
    """Of 1, 2 and 6 the mean is 3, and the squared distances 4, 1 and 9; of one value 0."""
    assert squares(np.array([1.0, 2.0, 6.0])) == pytest.approx(14.0)
    assert squares(np.array([5.0])) == 0.0


def test_a_sample_cannot_be_changed() -> None:
    """Its field cannot be set, and writing into a returned array does not change it."""
    sample = Sample([pair(2.0), pair(3.0)])
    before = sample.log_ratios.tolist()
    sample.log_ratios[0] = 99.0
    with pytest.raises(AttributeError):
        sample.pairs = ()  # type: ignore[misc]  # -- the test asks for this error
    assert sample.log_ratios.tolist() == before
