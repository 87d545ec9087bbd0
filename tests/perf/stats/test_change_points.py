"""Change points: found where the level changed, and hardly ever where it did not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from perf.stats import THROUGHPUT
from perf.stats import change_points as module
from perf.stats.change_points import FEWEST_RUNS, LEVEL, change_points, shift
from perf.stats.moderated import Prior
from tests.support.any_results import untimed

_SD = 0.02
_HISTORIES = 300
_LEVEL = 0.05
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
Values = Sequence[float] | NDArray[np.float64]
noise = st.integers(-50, 50).map(float)
steps = st.sampled_from([0.0, 400.0, -1000.0])
# Most have a step or two, so that there are changes to find.
histories = st.lists(noise, max_size=20) | st.builds(
    lambda runs, at, step, other: [
        x + step * (n >= at) + other * (n >= at + 12) for n, x in enumerate(runs)
    ],
    st.lists(noise, min_size=32, max_size=40),
    st.integers(8, 12),
    steps,
    steps,
)


def found_in(values: Values, *, smallest: float = 0.0, level: float = LEVEL) -> list[int]:
    """Return the changes, always with the same permutations."""
    rng = np.random.default_rng(1)
    return change_points(values, rng, level=level, smallest=smallest)


def white(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return independent normal runs."""
    return rng.normal(0.0, _SD, n)


def heavy(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return independent runs of which some lie far out."""
    return rng.standard_t(3, n) * _SD


def drifting(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return runs of which each resembles the one before, with a correlation of 0.5."""
    values = rng.normal(0.0, _SD, n)
    for place in range(1, n):
        values[place] = 0.5 * values[place - 1] + math.sqrt(0.75) * values[place]
    return values


def alarms(draw: Draw, n: int = 40) -> int:
    """Return how many histories without a change have one."""
    return sum(
        bool(found_in(draw(np.random.default_rng(seed), n), level=_LEVEL))
        for seed in range(_HISTORIES)
    )


def energy(before: list[float], after: list[float]) -> float:
    """Return how clear the division between two neighbours is, by the definition."""

    def mean(xs: list[float], ys: list[float]) -> float:
        return float(np.mean([abs(x - y) for x in xs for y in ys]))

    def within(xs: list[float]) -> float:
        return mean(xs, xs) * len(xs) / (len(xs) - 1)

    distance = 2 * mean(before, after) - within(before) - within(after)
    return distance * len(before) * len(after) / (len(before) + len(after))


@untimed
@given(st.lists(st.integers(-50, 50).map(float), min_size=2 * FEWEST_RUNS, max_size=18))
def test_the_clearest_division_is_that_of_the_definition(values: list[float]) -> None:
    """No place is clearer than the one that is returned, and its clearness is right."""
    array = np.array(values)
    place, clearness = module._clearest(np.abs(array[:, None] - array[None, :]))
    known = {
        at: max(
            energy(values[:at], values[at:end])
            for end in range(at + FEWEST_RUNS, len(values) + 1)
        )
        for at in range(FEWEST_RUNS, len(values) - FEWEST_RUNS + 1)
    }
    assert clearness == pytest.approx(known[place], abs=1e-6)
    assert clearness == pytest.approx(max(known.values()), abs=1e-6)


@untimed
@given(histories)
def test_changes_are_apart(values: list[float]) -> None:
    """They are in order, and between two of them there are enough runs."""
    edges = [0, *found_in(values, level=_LEVEL), len(values)]
    gaps = [after - before for before, after in itertools.pairwise(edges)]
    assert len(edges) == 2 or min(gaps) >= FEWEST_RUNS


@untimed
@given(histories, st.integers(-3, 3), st.integers(-100, 100))
def test_the_scale_does_not_matter(values: list[float], power: int, more: int) -> None:
    """Another unit and another level leave the changes where they are."""
    other = [(value + more) * 2.0**power for value in values]
    assert found_in(other, level=_LEVEL) == found_in(values, level=_LEVEL)


@given(st.integers(2 * FEWEST_RUNS, 40), st.floats(-5, 5))
def test_a_level_history_has_no_change(number: int, value: float) -> None:
    """Equal runs cannot have changed."""
    assert found_in([value] * number) == []


@pytest.mark.parametrize("loss", [0.05, 0.1])
@pytest.mark.parametrize("at", [8, 20, 32])
def test_a_clear_step_is_found_at_its_place(loss: float, at: int) -> None:
    """A loss of many deviations is found exactly, also after few runs."""
    values = np.random.default_rng(5).normal(0.0, 0.004, 40)
    values[at:] += math.log1p(-loss)
    assert found_in(values) == [at]


def test_several_steps_are_found() -> None:
    """A loss that was repaired, and a later gain, are three changes."""
    values = np.random.default_rng(6).normal(0.0, 0.004, 60)
    values[15:30] -= 0.1
    values[45:] += 0.05
    assert found_in(values) == [15, 30, 45]


@pytest.mark.parametrize("sd", [0.0, 0.005, _SD])
def test_a_steady_decline_is_found(sd: float) -> None:
    """A loss of a third in small steps is a change, though neighbours are alike."""
    rng = np.random.default_rng(3)
    found = found_in(-0.01 * np.arange(40) + rng.normal(0.0, sd, 40))
    assert found


def test_single_outliers_are_no_change() -> None:
    """Fewer runs than the fewest are no level, however far out they are."""
    values = np.random.default_rng(7).normal(0.0, 0.004, 40)
    values[20 : 20 + FEWEST_RUNS - 3] -= 0.5
    assert found_in(values) == []


def test_a_small_change_is_left_out() -> None:
    """A certain change below the smallest one is not told, and larger ones stay."""
    values = np.random.default_rng(3).normal(0.0, 0.001, 60)
    values[20:] -= 0.01
    values[40:] -= 0.05
    assert found_in(values) == [20, 40]
    assert found_in(values, smallest=0.02) == [40]


@pytest.mark.parametrize("draw", [white, heavy])
def test_false_alarms_are_as_rare_as_asked(draw: Draw) -> None:
    """Independent runs, normal or not, have a change no more often than the level says."""
    assert alarms(draw) <= binom.ppf(0.999, _HISTORIES, _LEVEL)


def test_drift_raises_few_more_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where runs resemble their neighbours, counting that avoids most false alarms."""
    counted = alarms(drifting)
    monkeypatch.setattr(module, "_correlation", lambda _: 0.0)
    assert counted <= alarms(drifting) / 4
    assert counted <= binom.ppf(0.999, _HISTORIES, 2 * _LEVEL)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_steps_and_outliers_are_no_noise(
    correlation: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The noise has the deviation that the correlation asks for, whatever else there is."""
    monkeypatch.setattr(module, "_DOUBT", 0.0)
    rng = np.random.default_rng(10)
    values = rng.normal(0.0, 1.0, 2000)
    for place in range(1, 2000):
        values[place] += correlation * values[place - 1]
    values[500:] += 10.0
    values[1500:] -= 10.0
    values[::200] += 30.0
    deviation = 1.0 / math.sqrt(1.0 - correlation**2)
    expected = deviation * (1.0 + correlation) / (1.0 - correlation)
    assert module._inflated(values).std() == pytest.approx(expected, rel=0.25)


def test_the_shift_is_that_of_the_means() -> None:
    """Its interval contains the true loss, and it is the reciprocal if swapped."""
    rng = np.random.default_rng(9)
    before, after = rng.normal(0.0, 0.01, 20), rng.normal(math.log(0.95), 0.01, 20)
    found, swapped = shift(before, after), shift(after, before)
    assert found.point == pytest.approx(math.exp(after.mean() - before.mean()))
    assert found.low < 0.95 < found.high < 1.0
    assert swapped.point == pytest.approx(1 / found.point)
    assert swapped.low == pytest.approx(1 / found.high)


def test_the_interval_counts_how_runs_of_the_quantity_differ() -> None:
    """Few runs tell little, so what is known of the quantity decides; the point stays."""
    wide = replace(THROUGHPUT, run=Prior(10.0 * THROUGHPUT.run.sd, 2.0))
    before, after = [0.0, 0.01], [0.1, 0.11]
    usual, wider = shift(before, after), shift(before, after, wide)
    assert wider.point == usual.point
    assert wider.low < usual.low < usual.high < wider.high


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([math.nan] * 12, {}),
        ([math.inf] * 12, {}),
        ([0.0] * 12, {"level": 0.0}),
        ([0.0] * 12, {"level": 1.0}),
        ([0.0] * 12, {"smallest": 1.0}),
        ([0.0] * 12, {"smallest": -0.1}),
    ],
)
def test_impossible_arguments_are_refused(
    values: list[float], options: dict[str, float]
) -> None:
    """What cannot be a history, a level or a size is a ValueError."""
    with pytest.raises(ValueError, match=r"must have finite|not shares"):
        found_in(values, **options)
