"""Throughputs of blocks, and percentiles of their latencies."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.stats import percentiles, quantiles, throughput_rps

# Every run tries the same examples, and no example has a deadline.
properties = settings(derandomize=True, deadline=None)


@given(st.lists(st.floats(min_value=0.0, max_value=1e6), min_size=1, max_size=200))
@properties
def test_percentiles_rise_within_the_latencies(latencies_ms: list[float]) -> None:
    """The percentiles rise, and none lies outside the range of the latencies."""
    got = percentiles(latencies_ms)
    assert list(got) == ["p50", "p90", "p95", "p99"]
    values = list(got.values())
    assert all(a <= b for a, b in pairwise(values))
    assert min(latencies_ms) <= values[0] <= values[-1] <= max(latencies_ms)


def test_percentiles_are_interpolated() -> None:
    """Over 0, 1, ..., 100 ms, p50 is 50 ms; between two latencies it is interpolated."""
    whole = percentiles([float(ms) for ms in range(101)])
    assert whole == pytest.approx({"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0})
    assert percentiles([10.0, 20.0])["p90"] == pytest.approx(19.0)


def test_percentiles_of_nothing_are_refused() -> None:
    """No latency, or one that is NaN, raises ValueError, so no report contains NaN."""
    with pytest.raises(ValueError, match="at least one latency"):
        percentiles([])
    with pytest.raises(ValueError, match="every latency must be finite"):
        percentiles([1.0, math.nan])


def test_throughput_is_images_over_time() -> None:
    """Ten images in four seconds are 2.5 images a second; no images are 0."""
    assert throughput_rps(10, 4.0) == pytest.approx(2.5)
    assert throughput_rps(0, 4.0) == 0.0


@pytest.mark.parametrize(
    ("images", "duration_s", "named"),
    [
        (-1, 1.0, "images"),
        (1, 0.0, "duration_s"),
        (1, -1.0, "duration_s"),
        (1, math.nan, "duration_s"),
        (1, math.inf, "duration_s"),
    ],
)
def test_throughput_refuses_impossible_numbers(
    images: int, duration_s: float, named: str
) -> None:
    """The error names the argument that is negative, or not finite and positive."""
    with pytest.raises(ValueError, match=named):
        throughput_rps(images, duration_s)


def test_quantiles_lie_at_equal_distances() -> None:
    """The ends are the shortest and the longest latency; those between are interpolated."""
    assert quantiles([30.0, 10.0, 20.0], 5) == pytest.approx([10.0, 15.0, 20.0, 25.0, 30.0])
    assert quantiles([7.0], 2) == [7.0, 7.0]


def test_the_median_is_the_same_as_percentile_and_as_quantile() -> None:
    """Both interpolate in the same way, so a report shows one number for both."""
    latencies_ms = [4801.6, 5220.2, 4990.1, 6100.9]
    median = quantiles(latencies_ms, 101)[50]
    assert median == pytest.approx(percentiles(latencies_ms)["p50"])


@pytest.mark.parametrize(("latencies_ms", "number"), [([], 5), ([1.0], 1)])
def test_quantiles_of_nothing_are_refused(latencies_ms: list[float], number: int) -> None:
    """No latency, or fewer than both ends, raises ValueError."""
    with pytest.raises(ValueError, match="at least one latency"):
        quantiles(latencies_ms, number)
