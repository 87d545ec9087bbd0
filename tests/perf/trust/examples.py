"""Recorded launches for the tests of the operating curve."""

from __future__ import annotations

import numpy as np

from perf.stats import Block, Pair


def steady_run(seed: int, *, launches: int = 10, sd: float = 0.005) -> list[list[Pair]]:
    """Return launches of two pairs; the launches differ by `sd`, blocks by 1 %.

    Both arms have 5 images a second at a pace of 1. Each block has a pace of its own.
    """
    rng = np.random.default_rng(seed)

    def block(rate: float) -> Block:
        pace = float(np.exp(rng.normal(0.0, 0.1)))
        return Block(rps=rate * pace * float(np.exp(rng.normal(0.0, 0.01))), pace=pace)

    made = []
    for launch in range(launches):
        ours = 5.0 * float(np.exp(rng.normal(0.0, sd)))
        made.append([Pair(block(ours), block(5.0), launch) for _ in range(2)])
    return made
