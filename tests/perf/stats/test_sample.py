"""Pairs and samples: what they refuse, and what they return."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perf.stats import Pair, Sample, TooFewPairs


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_pair_refuses_an_impossible_throughput(rate: float) -> None:
    """Zero, a negative number, NaN and infinity are refused for both arms."""
    with pytest.raises(ValueError, match="scenario_rps must be finite and above zero"):
        Pair(rate, 1.0, 0)
    with pytest.raises(ValueError, match="reference_rps must be finite and above zero"):
        Pair(1.0, rate, 0)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_pair_refuses_an_impossible_yardstick(rate: float) -> None:
    """The same values are refused for the yardstick."""
    with pytest.raises(ValueError, match="yardstick_rps must be finite and above zero"):
        Pair(1.0, 1.0, 0, yardstick_rps=rate)


def test_a_pair_may_have_no_yardstick() -> None:
    """A pair without a yardstick has None for it."""
    bare = Pair(2.0, 1.0, 0)
    assert bare.yardstick_rps is None
    assert Pair(2.0, 1.0, 0, yardstick_rps=3.0).yardstick_rps == 3.0


@pytest.mark.parametrize("count", [0, 1])
def test_a_sample_refuses_fewer_than_two_pairs(count: int) -> None:
    """Fewer than two pairs raise TooFewPairs, and the message says how many there were."""
    with pytest.raises(TooFewPairs, match=f"at least 2 pairs, not {count}"):
        Sample([Pair(1.0, 1.0, 0)] * count)
    assert issubclass(TooFewPairs, ValueError)


def test_a_sample_keeps_the_order_of_its_pairs() -> None:
    """Log ratios are float64 and launches int64, one for each pair, in the pairs' order."""
    sample = Sample(Pair(math.e**k, 1.0, launch) for k, launch in ((2, 0), (1, 0), (3, 1)))
    assert len(sample) == 3
    assert sample.log_ratios.dtype == np.float64
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert sample.launches.dtype == np.int64
    assert sample.launches.tolist() == [0, 0, 1]


def test_an_efficiency_is_over_the_yardstick_or_else_the_reference() -> None:
    """A pair is compared with its yardstick, or with its reference where it has none."""
    sample = Sample(
        [Pair(math.e**3, math.e, 0, yardstick_rps=math.e**2), Pair(math.e**3, math.e, 0)]
    )
    assert sample.log_efficiencies.dtype == np.float64
    assert sample.log_efficiencies.tolist() == pytest.approx([1.0, 2.0])
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 2.0])


def test_a_sample_cannot_be_changed() -> None:
    """Its field cannot be set, and writing into a returned array does not change it."""
    sample = Sample([Pair(2.0, 1.0, 0), Pair(3.0, 1.0, 0)])
    before = sample.log_ratios.tolist()
    sample.log_ratios[0] = 99.0
    with pytest.raises(AttributeError):
        sample.pairs = ()  # type: ignore[misc]  # -- the test asks for this error
    assert sample.log_ratios.tolist() == before
