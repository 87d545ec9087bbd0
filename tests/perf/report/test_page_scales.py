"""The scales of the page's plots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.report.page.labels import as_milliseconds
from perf.report.page.scales import Linear, Logarithmic, Scale, round_below
from tests.support.any_results import untimed

amounts = st.floats(min_value=1e-6, max_value=1e12)


@untimed
@given(low=amounts, high=amounts, value=st.floats(allow_nan=False))
def test_a_place_is_always_on_the_scale(low: float, high: float, value: float) -> None:
    """Any value has a place from 0 to 100, and the ends have theirs."""
    low, high = min(low, high), 2.0 * max(low, high)
    scales: tuple[Scale, ...] = (Linear(low, high), Logarithmic(low, high))
    for scale in scales:
        assert 0.0 <= scale.at(value) <= 100.0
        assert scale.at(low) == 0.0
        assert scale.at(high) == pytest.approx(100.0)


@untimed
@given(low=amounts, high=amounts)
def test_marks_rise_and_are_few(low: float, high: float) -> None:
    """There are at most five, in order, and none lies beyond an end."""
    low, high = min(low, high), 1.1 * max(low, high)
    scales: tuple[Scale, ...] = (Linear(low, high), Logarithmic(low, high))
    for scale in scales:
        ticks = scale.ticks()
        assert 1 <= len(ticks) <= 5
        assert ticks == sorted(set(ticks))
        assert all(low * (1 - 1e-9) <= tick <= high * (1 + 1e-9) for tick in ticks)


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Linear(0.0, 10.0), [0.0, 5.0, 10.0]),
        (Linear(-0.21, 0.21), [-0.2, 0.0, 0.2]),
        (Linear(0.0, 13.4), [0.0, 5.0, 10.0]),
        (Logarithmic(90.0, 1100.0), [100.0, 200.0, 500.0, 1000.0]),
        (Logarithmic(4700.0, 5300.0), [4800.0, 5000.0, 5200.0]),
        (Logarithmic(0.5, 2e6), [1.0, 1e2, 1e4, 1e6]),
        (Logarithmic(0.5, 60.0), [1.0, 10.0]),
    ],
)
def test_marks_are_round(scale: Scale, ticks: list[float]) -> None:
    """They are 1, 2 or 5 times a power of ten, or multiples of such a step."""
    assert scale.ticks() == pytest.approx(ticks)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (0.0, float("inf"))])
def test_a_scale_without_length_is_refused(ends: tuple[float, float]) -> None:
    """So no place is a division by zero."""
    with pytest.raises(ValueError, match="low < high"):
        Linear(*ends)
    with pytest.raises(ValueError, match="low < high"):
        Logarithmic(*ends)


@pytest.mark.parametrize(
    ("value", "below"), [(0.0105, 0.01), (0.23, 0.2), (5.0, 5.0), (99.0, 50.0)]
)
def test_a_round_number_below(value: float, below: float) -> None:
    """It is the largest of 1, 2 and 5 times a power of ten that is not above."""
    assert round_below(value) == pytest.approx(below)


@pytest.mark.parametrize(
    ("value_ms", "label"),
    [(2.2, "2.2 ms"), (0.05, "0.05 ms"), (4800.0, "4800 ms"), (20000.0, "20000 ms")],
)
def test_a_label_has_the_digits_of_its_mark(value_ms: float, label: str) -> None:
    """Else several marks would have the same label."""
    assert as_milliseconds(value_ms) == label


@untimed
@given(low=amounts, factor=st.floats(min_value=1.21, max_value=1e4))
def test_no_two_marks_of_a_latency_have_the_same_label(low: float, factor: float) -> None:
    """That holds from microseconds to days."""
    ticks = Logarithmic(low, factor * low).ticks()
    labels = [as_milliseconds(tick) for tick in ticks]
    assert len(set(labels)) == len(labels)
