"""The open arrival patterns: their rates, their spread, and that the seed decides them."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.registry import ARRIVALS, find_arrivals
from perf.load.record import BlockRequest
from serving.errors import ConfigError

_RATES = st.floats(0.01, 1e4)
_OPEN = ["constant", "poisson", "gamma:0.3", "gamma:4"]


def times_s(pattern: Arrivals, jobs: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the times of the first jobs."""
    return np.array(list(itertools.islice(pattern.times_s(), jobs)), dtype=np.float64)


def test_every_open_pattern_is_tested_here() -> None:
    """All patterns but the closed loop have a rate."""
    assert {text.partition(":")[0] for text in _OPEN} == set(ARRIVALS) - {"closed"}


@given(st.sampled_from(_OPEN), _RATES, st.integers(0, 1000))
def test_times_never_go_back_and_do_not_change(text: str, rate: float, seed: int) -> None:
    """Every call yields the same times; they are finite and in order."""
    pattern = find_arrivals(text, rate).seeded(seed)
    first, again = times_s(pattern, 50), times_s(pattern, 50)
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert (np.diff(first, prepend=0.0) >= 0.0).all()


@given(st.sampled_from(_OPEN), _RATES, st.floats(0.1, 10.0))
def test_another_rate_stretches_the_same_gaps(text: str, rate: float, by: float) -> None:
    """So two rates can be compared with common random numbers."""
    pattern = find_arrivals(text, rate)
    stretched = pattern.at_rate(rate * by)
    assert stretched.rate_rps == rate * by
    assert times_s(stretched, 30) * by == pytest.approx(times_s(pattern, 30))


@pytest.mark.parametrize("text", _OPEN)
@pytest.mark.parametrize("rate", [0.5, 2000.0])
def test_the_rate_holds_on_average(text: str, rate: float) -> None:
    """Over many jobs; a single block is not rescaled to it."""
    jobs = 20_000
    deviation = {"constant": 0.0, "poisson": 1.0, "gamma:0.3": 0.3**-0.5, "gamma:4": 0.5}
    mean_s = times_s(find_arrivals(text, rate), jobs)[-1] / jobs
    limit = 5.0 * deviation[text] / math.sqrt(jobs) + 1.0 / jobs + 1e-9
    assert mean_s * rate == pytest.approx(1.0, abs=limit)


@pytest.mark.parametrize(("text", "deviation"), [("poisson", 1.0), ("gamma:0.25", 2.0)])
def test_the_gaps_have_their_spread(text: str, deviation: float) -> None:
    """The deviation of the gaps, in means: 1 for Poisson, 1 / sqrt(B) for gamma."""
    gaps_s = np.diff(times_s(find_arrivals(text, 1.0), 40_000))
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("text", ["poisson", "gamma:0.5"])
def test_the_seed_decides_the_gaps(text: str) -> None:
    """Another seed gives other times; a constant rate has nothing to draw."""
    pattern = find_arrivals(text, 3.0)
    assert not np.array_equal(times_s(pattern.seeded(1), 5), times_s(pattern.seeded(2), 5))
    constant = find_arrivals("constant", 3.0)
    assert constant.seeded(1) == constant.seeded(2)


@pytest.mark.parametrize(
    ("text", "rate", "words"),
    [
        ("poisson", None, "arrivals poisson: poisson needs a rate, in jobs a second"),
        ("constant", 0.0, "arrivals constant: the rate must be a number above 0, not 0.0"),
        ("poisson", -1.0, "arrivals poisson: the rate must be a number above 0, not -1.0"),
        ("poisson", math.inf, "arrivals poisson: the rate must be .* not inf"),
        ("poisson:3", 3.0, "arrivals poisson:3: poisson takes no argument but its rate"),
        ("gamma", 3.0, "arrivals gamma: gamma needs a burstiness, as in gamma:0.5"),
        ("gamma:x", 3.0, "arrivals gamma:x: the burstiness must be .* above 0, not x"),
        ("closed", 3.0, "arrivals closed: a closed loop has no rate: .*"),
    ],
)
def test_senseless_numbers_are_refused(text: str, rate: float | None, words: str) -> None:
    """In one line, which names the pattern."""
    with pytest.raises(ConfigError) as caught:
        find_arrivals(text, rate)
    assert re.fullmatch(words, str(caught.value))


def test_a_closed_loop_can_have_no_rate() -> None:
    """Nor is it given one later."""
    with pytest.raises(ValueError, match="a closed loop has no rate"):
        find_arrivals("closed").at_rate(3.0)
    assert BlockRequest((), 1, 1.0, None).arrivals.rate_rps is None
