"""Attainments at several rates, their intervals, and the capacity that follows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.stats.capacity import (
    SEARCH_SD,
    Met,
    Probe,
    capacity_rps,
    effective_size,
    falling,
    pooled_capacity,
)

SHARE = 0.99


def probe(rate: float, good: int, scheduled: int = 100, *, grew: bool = False) -> Probe:
    """Return a probe whose requests are independent."""
    return Probe(
        rate_rps=rate, scheduled=scheduled, good=good, effective=scheduled, grew=grew
    )


_PROBES = st.lists(
    st.builds(probe, st.floats(0.1, 1e3), st.integers(0, 100)), min_size=1, max_size=12
)


@given(st.integers(1, 2000), st.data())
def test_the_interval_contains_the_attainment(scheduled: int, data: st.DataObject) -> None:
    """It lies within 0 and 1, reaches an end where all or none were good, and narrows."""
    good = data.draw(st.integers(0, scheduled))
    found = probe(1.0, good, scheduled)
    low, high = found.interval()
    assert 0.0 <= low <= found.attainment <= high <= 1.0
    assert (low == 0.0) == (good == 0)
    assert (high == 1.0) == (good == scheduled)
    fewer = Probe(rate_rps=1.0, scheduled=scheduled, good=good, effective=scheduled / 2)
    assert fewer.interval()[1] - fewer.interval()[0] >= high - low


def test_the_interval_is_that_of_the_textbook() -> None:
    """Clopper and Pearson for 7 of 10, and the rule of three for 0 of 300 failures."""
    assert probe(1.0, 7, 10).interval() == pytest.approx((0.3475, 0.9333), abs=1e-4)
    low, high = probe(1.0, 300, 300).interval(0.9)
    assert (1.0 - low) * 300 == pytest.approx(3.0, abs=0.02)
    assert high == 1.0


@pytest.mark.parametrize(
    ("found", "met"),
    [
        (probe(1.0, 1000, 1000), Met.YES),
        (probe(1.0, 950, 1000), Met.NO),
        (probe(1.0, 99), Met.OPEN),
        (probe(1.0, 1000, 1000, grew=True), Met.NO),
    ],
)
def test_a_probe_is_judged_by_its_interval(found: Probe, met: Met) -> None:
    """A growing backlog is a failure before any count is read."""
    assert found.met(SHARE) is met


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_requests_count_for_no_more_than_they_are(bad: list[bool]) -> None:
    """The effective number is above 0, and at most the number of requests."""
    assert 0.0 < effective_size(bad) <= len(bad)


def test_failures_in_a_row_count_for_fewer() -> None:
    """Independent failures keep their number; in bursts of twenty they count for less."""
    rng = np.random.default_rng(1)
    alone = rng.random(4000) < 0.1
    assert effective_size(alone.tolist()) > 2500
    bursts = np.repeat(rng.random(200) < 0.1, 20)
    assert 100 < effective_size(bursts.tolist()) < 500


def test_there_must_be_requests() -> None:
    """No requests, or counts that do not fit, are refused."""
    with pytest.raises(ValueError, match="no request"):
        effective_size([])
    with pytest.raises(ValueError, match="rate above 0"):
        probe(0.0, 1)
    with pytest.raises(ValueError, match="do not fit"):
        probe(1.0, 2, 1)


@given(_PROBES)
def test_attainments_fall_with_the_rate(probes: list[Probe]) -> None:
    """Every rate is there once, in order; the fitted attainments never rise."""
    rates, attained = falling(probes)
    assert rates.tolist() == sorted({p.rate_rps for p in probes})
    assert (np.diff(attained) <= 1e-12).all()
    assert ((attained >= -1e-12) & (attained <= 1.0 + 1e-12)).all()


@given(_PROBES, st.floats(0.5, 0.99))
def test_the_capacity_lies_between_probes(probes: list[Probe], share: float) -> None:
    """It is a rate within those that were tried, or None where they do not contain it."""
    found = capacity_rps(probes, share)
    rates, attained = falling(probes)
    if found is None:
        assert attained[0] < share or attained[-1] >= share
    else:
        assert rates[0] * (1 - 1e-9) <= found <= rates[-1] * (1 + 1e-9)


@given(_PROBES, st.floats(0.01, 100.0))
def test_the_unit_of_the_rate_does_not_matter(probes: list[Probe], factor: float) -> None:
    """With all rates multiplied, the capacity is."""
    scaled = [
        Probe(
            rate_rps=p.rate_rps * factor,
            scheduled=p.scheduled,
            good=p.good,
            effective=p.effective,
        )
        for p in probes
    ]
    before, after = capacity_rps(probes, SHARE), capacity_rps(scaled, SHARE)
    if before is None or after is None:
        assert before is after
    else:
        assert math.isclose(after, before * factor, rel_tol=1e-6)


def test_the_capacity_is_interpolated() -> None:
    """Between rates at 100 and at 98 %, 99 % lies in the middle of the logarithms."""
    found = capacity_rps([probe(4.0, 100), probe(9.0, 98), probe(20.0, 10)], SHARE)
    assert found == pytest.approx(6.0)
    assert capacity_rps([probe(4.0, 100)], SHARE) is None
    assert capacity_rps([probe(4.0, 90), probe(9.0, 80)], SHARE) is None


@pytest.mark.parametrize(
    ("above", "cliff"),
    [
        ([probe(11.0, 49)], True),
        ([probe(11.0, 50)], False),
        ([probe(11.0, 90, grew=True)], False),
        ([probe(11.0, 10), probe(12.0, 98)], True),
        ([probe(11.0, 10), probe(11.0, 95)], False),
    ],
    ids=["below half", "half", "only grew", "hidden by a better one", "seen twice"],
)
def test_a_cliff_is_below_half_of_the_requests(above: list[Probe], *, cliff: bool) -> None:
    """The requests at the next rate above the capacity count as they were seen."""
    found = pooled_capacity([[probe(10.0, 100), *above]], SHARE, seed=0, number=10)
    assert found is not None
    assert 10.0 < found.rps < 11.0
    assert found.cliff is cliff


def test_few_requests_give_a_wide_interval() -> None:
    """A hundred good requests of a hundred leave it open whether 99 % would be good."""
    few = [[probe(5.0, 100), probe(10.0, 100), probe(20.0, 50)]]
    many = [
        [probe(5.0, 9990, 10_000), probe(10.0, 9990, 10_000), probe(20.0, 5000, 10_000)]
    ]
    wide = pooled_capacity(few, SHARE, seed=0)
    narrow = pooled_capacity(many, SHARE, seed=0)
    assert wide is not None
    assert narrow is not None
    assert wide.low_rps < 10.0 < wide.high_rps
    assert wide.high_rps / wide.low_rps > 1.3 * narrow.high_rps / narrow.low_rps


def test_the_interval_reaches_over_what_was_not_tried() -> None:
    """Between the last rate that met the SLO and the next one nothing is known.

    Beyond them it reaches as far as the common error of searches does.
    """
    sharp = [[probe(10.0, 10_000, 10_000), probe(10.6, 0, 10_000)]]
    found = pooled_capacity(sharp, SHARE, seed=0)
    assert found is not None
    further = math.exp(2.0 * SEARCH_SD)
    assert 10.0 / further < found.low_rps < 10.0
    assert 10.6 < found.high_rps < 10.6 * further


def test_more_launches_do_not_remove_the_error_of_searches() -> None:
    """They have it in common."""
    sharp = [probe(10.0, 10_000, 10_000), probe(10.001, 0, 10_000)]
    found = pooled_capacity([sharp] * 20, SHARE, seed=0)
    assert found is not None
    half_width = 0.5 * math.log(found.high_rps / found.low_rps)
    assert half_width == pytest.approx(1.96 * SEARCH_SD, rel=0.1)
