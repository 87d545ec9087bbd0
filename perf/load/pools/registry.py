"""The pools that can run jobs, by name."""

from __future__ import annotations

from collections.abc import Mapping

from perf.load.pools.base import PoolFactory
from perf.load.pools.forked import ForkedPool
from perf.load.pools.open_loop import OpenLoopPool
from perf.load.pools.standing import StandingPool
from serving.errors import ConfigError

POOLS: Mapping[str, PoolFactory] = {
    ForkedPool.name: ForkedPool,
    StandingPool.name: StandingPool,
    OpenLoopPool.name: OpenLoopPool,
}


def find_pool(name: str) -> PoolFactory:
    """Return what starts the pool called `name`. Raises ConfigError where there is none."""
    if name not in POOLS:
        raise ConfigError(f"pool {name}: no such pool; known: {', '.join(POOLS)}")
    return POOLS[name]
