"""Drawn histories: they vary as they say, and the rates count what is found."""

from __future__ import annotations

import numpy as np
import pytest

from perf.trust import histories
from perf.trust.curve import Rate
from perf.trust.histories import (
    NOISES,
    RUN_SD,
    alarms_in,
    false_alarms,
    found_losses,
    nightly_alarms,
)

STEP = [0.0, 0.001, -0.001, 0.0005] * 3 + [-0.2, -0.201, -0.199, -0.2005] * 3
LEVEL = [0.0] * 24


@pytest.mark.parametrize("noise", NOISES)
def test_every_noise_has_the_deviation_of_runs(noise: str) -> None:
    """However its runs resemble each other; long tails make it uncertain."""
    values = NOISES[noise](np.random.default_rng(1), 20_000)
    assert len(values) == 20_000
    assert values.std() == pytest.approx(RUN_SD, rel=0.25)


@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_neighbours_resemble_each_other_as_asked(correlation: float) -> None:
    """Each run has that correlation with the one before."""
    values = NOISES[f"correlation {correlation}"](np.random.default_rng(2), 20_000)
    seen = np.corrcoef(values[1:], values[:-1])[0, 1]
    assert seen == pytest.approx(correlation, abs=0.03)


def test_alarms_are_counted() -> None:
    """Of a level there is none, of a step there is one in each history."""
    assert false_alarms(lambda _, n: np.zeros(n), 20, 3, seed=1) == Rate(0, 3)
    assert false_alarms(lambda _, n: np.array(STEP[:n]), 24, 3, seed=1) == Rate(3, 3)
    assert alarms_in([STEP, LEVEL, LEVEL], seed=1) == Rate(1, 3)


def test_an_alarm_of_any_night_counts() -> None:
    """A change that is gone on the last night was told before."""
    outlying = np.array([*STEP[:6], *STEP[12:18], *STEP[:12] * 3])
    assert nightly_alarms(lambda _, n: np.zeros(n), 20, 2, seed=1) == Rate(0, 2)
    assert nightly_alarms(lambda _, n: outlying[:n], 12, 2, seed=1) == Rate(2, 2)


def test_losses_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss of many deviations always is, and what is exact is near as well."""
    monkeypatch.setattr(histories, "LOSSES", (0.001, 0.3))
    small, other, large, larger = found_losses("independent", 2, seed=1)
    assert [one.after for one in (small, other, large, larger)] == [6, 20, 6, 20]
    assert (large.loss, large.found.total) == (0.3, 2)
    assert large.found.hits == larger.found.hits == 2
    for one in (small, other, large, larger):
        assert one.exact.hits <= one.found.hits
