"""Terms and pairs to judge, for the tests of perf/judge/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from perf.judge.gate import Terms
from perf.stats import QUANTITIES, Block, Pair

BLOCK = Block(rps=4.0, pace=1.0, cpu_ms=300.0, memory_bytes=1e9, p99_ms=800.0)
SCATTER = (0.99, 1.0, 1.01, 1.0, 0.99, 1.01)


def terms(tolerance: float = 0.1, planned: int = 3, scenarios: int = 1) -> Terms:
    """Return the terms of one scenario of a run; by default it is the only one."""
    tolerances = {one.name: tolerance for one in QUANTITIES}
    return Terms(planned=planned, scenarios=scenarios, tolerances=tolerances)


def measured(
    change: Callable[[Block], Block] = lambda block: block, launches: int = 3
) -> Sequence[Pair]:
    """Return pairs of noisy blocks, after `change` was applied to those of the scenario."""
    return [
        Pair(change(_noisy(one)), _noisy(other), place * launches // len(SCATTER))
        for place, (one, other) in enumerate(zip(SCATTER, reversed(SCATTER), strict=True))
    ]


def times(block: Block, **factors: float) -> Block:
    """Return the block with some of its values multiplied."""
    return replace(block, **{k: getattr(block, k) * by for k, by in factors.items()})


def _noisy(by: float) -> Block:
    return times(BLOCK, rps=by, cpu_ms=1 / by, memory_bytes=by**0.2, p99_ms=1 / by)
