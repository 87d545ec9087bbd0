"""Histories to draw: lines of results, with a loss where a test wants one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from perf.history.entry import Entry, Level
from perf.stats import Verdict

_FIRST = datetime(2026, 1, 1, 2, 17, tzinfo=UTC)
_HALF_WIDTH = 0.01


def entry(night: int, rps: float = 12.0, **changes: Any) -> Entry:  # noqa: ANN401 -- any field of an Entry
    """Return the result of one night, at a pace of 0.5."""
    level = Level(
        estimate=2.0 * rps,
        low=2.0 * rps * (1.0 - _HALF_WIDTH),
        high=2.0 * rps * (1.0 + _HALF_WIDTH),
    )
    usual = Entry(
        at=(_FIRST + timedelta(days=night)).isoformat(),
        commit=f"{night:040x}",
        changed=False,
        scenario="serving-batch",
        profile="standard",
        model="resnet152 (seeded weights)",
        runtime="process",
        device="cpu",
        machine_class="x86_64-2cpu-avx512+vnni-16to32GiB",
        figure="throughput",
        level=level,
        pace=0.5,
        throughput_rps=rps,
        launches=4,
        verdict=Verdict.UNCHANGED,
        disturbed=False,
        baseline="0006_process.json",
        about={"torch": "2.14.1", "kernel": "6.1", "settings": "aa11"},
    )
    return usual.model_copy(update=changes)


def nights(
    number: int,
    *,
    losses: Sequence[tuple[int, float]] = (),
    change: Callable[[int], dict[str, Any]] = lambda _: {},
    sd: float = 0.005,
) -> list[Entry]:
    """Return the results of so many nights, in the order of time.

    `losses` has the first night of each loss and its share, negative for a gain. `change`
    returns what is not as usual in a night.
    """
    logs = np.random.default_rng(number).normal(math.log(12.0), sd, number)
    for night, loss in losses:
        logs[night:] += math.log1p(-loss)
    return [entry(night, math.exp(log), **change(night)) for night, log in enumerate(logs)]


def no_commits(_good: str, _bad: str) -> None:
    """Know no commit."""


def two_commits(good: str, bad: str) -> list[str]:
    """Know two commits between any others."""
    return [f"{bad[-7:]} make it slower", f"{good[-7:]} tidy up"]
