"""A race of points, with a fake measurement."""

from __future__ import annotations

import math
import random
from collections import Counter

from perf.experiment.sweep.journal import Entry, Launch, entry_of
from perf.experiment.sweep.race import FIRST_DROP, Race
from perf.stats import Block
from perf.stats.quantity import P99, THROUGHPUT

SPEEDS = {"slow": 5.0, "fast": 10.0, "near": 9.97, "broken": 0.0}


class Track:
    """Measures points whose throughput is known."""

    def __init__(self) -> None:
        """Begin with no launch."""
        self.launches: Counter[str] = Counter()
        self._draw = random.Random(3)  # noqa: S311 -- noise, not a secret

    def measure(self, point: str, number: int) -> Entry:
        """Return two blocks of the point, or its failure."""
        self.launches[point] += 1
        if not SPEEDS[point]:
            return entry_of("race", point, number, "it did not start")
        blocks = [
            Block(
                rps=SPEEDS[point] * math.exp(self._draw.gauss(0.0, 0.005)),
                pace=1.0,
                p99_ms=1000.0 / SPEEDS[point],
            )
            for _ in range(2)
        ]
        return entry_of("race", point, number, Launch(blocks))


def race(track: Track, *points: str) -> Race:
    """Return a race of at most five launches each."""
    return Race(
        points=points,
        quantities=(THROUGHPUT, P99),
        rounds=5,
        seed=1,
        measure=track.measure,
    )


def test_the_clearly_slower_point_drops_out() -> None:
    """It is told who beat it, and is not launched again; near ones run to the end."""
    track = Track()
    runners = race(track, "slow", "fast", "near").run()
    assert runners["slow"].beaten_by in {"fast", "near"}
    assert FIRST_DROP <= track.launches["slow"] < 5
    assert track.launches["fast"] == track.launches["near"] == 5
    assert runners["fast"].runs
    assert runners["near"].runs


def test_a_point_that_fails_is_a_result() -> None:
    """The others go on; it is launched once."""
    track = Track()
    runners = race(track, "broken", "fast").run()
    assert runners["broken"].failed == "it did not start"
    assert track.launches["broken"] == 1
    assert track.launches["fast"] == 5


def test_a_race_without_survivors_ends() -> None:
    """Where all fail there is nothing to rank."""
    runners = race(Track(), "broken").run()
    assert not runners["broken"].runs
