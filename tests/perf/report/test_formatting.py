"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from perf.report import formatting
from perf.stats import Estimate


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4.712, "4.71/s"),
        (9.999, "10.0/s"),
        (58.31, "58.3/s"),
        (262.4, "262/s"),
        (1470.2, "1470/s"),
        (0.04567, "0.0457/s"),
        (0.0, "0.00/s"),
        (math.nan, "-"),
        (None, "-"),
    ],
)
def test_a_rate_has_three_significant_digits(value: float | None, shown: str) -> None:
    """A rate has three digits whatever its size, and is a dash where it is not known."""
    assert formatting.rate(value) == shown


@pytest.mark.parametrize(
    ("value_bytes", "kind", "shown"),
    [
        (812 * 2**20, "pss", "812 MiB"),
        (2**30 - 1, "pss", "1.00 GiB"),
        (24 * 2**30, "rss", "24.0 GiB rss"),
        (None, "rss", "-"),
    ],
)
def test_memory_is_in_binary_units(value_bytes: int | None, kind: str, shown: str) -> None:
    """Memory is in MiB below one GiB, else in GiB; a kind other than PSS is named."""
    assert formatting.memory(value_bytes, kind) == shown


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((3.01, 3.12, 3.24), "3.12 [3.01, 3.24]"),
        ((9.1, 9.999, 10.24), "10.0 [9.1, 10.2]"),
        ((0.0, 1.0, 1e300), "1.00 [0.00, 1.0e+300]"),
    ],
)
def test_an_interval_stays_readable(ends: tuple[float, float, float], shown: str) -> None:
    """The ends have as many decimals as the point, and a huge end stays short."""
    low, point, high = ends
    assert formatting.interval(Estimate(point, low, high, 0.95)) == shown


def test_a_ratio_that_was_not_estimated_is_a_dash() -> None:
    """Without an estimate there is a dash."""
    assert formatting.interval(None) == "-"


@pytest.mark.parametrize(
    ("factor", "shown"), [(0.802, "-19.8 %"), (1.0, "+0.0 %"), (1e300, "+1.0e+302 %")]
)
def test_a_change_is_signed(factor: float, shown: str) -> None:
    """A change always has a sign."""
    assert formatting.change(factor) == shown


def test_a_change_has_its_interval() -> None:
    """The ends are changes too, in the unit of the point; None is a dash."""
    estimate = Estimate(point=0.935, low=0.919, high=1.004, confidence=0.995)
    assert formatting.change_interval(estimate) == "-6.5 % [-8.1, +0.4]"
    assert formatting.change_interval(None) == "-"
