"""Pairs and samples: what they refuse, keep and hand out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perf.stats import Pair, Sample, TooFewPairs


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_pair_refuses_a_rate_that_is_none(rate: float) -> None:
    """Neither arm of a pair can hold zero, less than zero, NaN or infinity."""
    with pytest.raises(ValueError, match="scenario_rps must be finite and above zero"):
        Pair(rate, 1.0, 0)
    with pytest.raises(ValueError, match="reference_rps must be finite and above zero"):
        Pair(1.0, rate, 0)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_pair_refuses_a_yardstick_that_is_none(rate: float) -> None:
    """Nor can a yardstick that was measured be any of these."""
    with pytest.raises(ValueError, match="yardstick_rps must be finite and above zero"):
        Pair(1.0, 1.0, 0, yardstick_rps=rate)


def test_a_pair_may_have_no_yardstick() -> None:
    """What stood beside a pair may not have been measured: it is None then, as recorded."""
    bare = Pair(2.0, 1.0, 0)
    assert bare.yardstick_rps is None
    assert Pair(2.0, 1.0, 0, yardstick_rps=3.0).yardstick_rps == 3.0


@pytest.mark.parametrize("count", [0, 1])
def test_a_sample_refuses_fewer_than_two_pairs(count: int) -> None:
    """A sample without a spread cannot exist; the fault is typed and counts the pairs."""
    with pytest.raises(TooFewPairs, match=f"at least 2 pairs, not {count}"):
        Sample([Pair(1.0, 1.0, 0)] * count)
    assert issubclass(TooFewPairs, ValueError)


def test_a_sample_keeps_the_order_of_its_pairs() -> None:
    """Log ratios and launches come as float64 and int64, one for each pair, in order."""
    sample = Sample(Pair(math.e**k, 1.0, launch) for k, launch in ((2, 0), (1, 0), (3, 1)))
    assert len(sample) == 3
    assert sample.log_ratios.dtype == np.float64
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 1.0, 3.0])
    assert sample.launches.dtype == np.int64
    assert sample.launches.tolist() == [0, 0, 1]


def test_a_speed_is_over_the_yardstick_or_else_the_reference() -> None:
    """Each pair's log speed is over its own yardstick, where it has none its reference."""
    sample = Sample(
        [Pair(math.e**3, math.e, 0, yardstick_rps=math.e**2), Pair(math.e**3, math.e, 0)]
    )
    assert sample.log_speeds.dtype == np.float64
    assert sample.log_speeds.tolist() == pytest.approx([1.0, 2.0])
    assert sample.log_ratios.tolist() == pytest.approx([2.0, 2.0])


def test_a_sample_cannot_be_changed() -> None:
    """Neither its field nor the arrays it hands out lead back into it."""
    sample = Sample([Pair(2.0, 1.0, 0), Pair(3.0, 1.0, 0)])
    before = sample.log_ratios.tolist()
    sample.log_ratios[0] = 99.0
    with pytest.raises(AttributeError):
        sample.pairs = ()  # type: ignore[misc]
    assert sample.log_ratios.tolist() == before
