"""The priors that recordings suggest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from perf.stats import CAPACITY, THROUGHPUT, Block, Pair
from perf.trust.priors import beside_prior, launch_prior, run_prior
from tests.perf.trust.examples import steady_run


def test_the_spread_of_launches_is_found() -> None:
    """Of steady runs, whose launches differ by 0.5 % and blocks by 1 %, it is 0.9 %."""
    machine = [{"serving": steady_run(seed)} for seed in range(40)]
    found = launch_prior([machine], THROUGHPUT)
    assert found is not None
    assert found.sd == pytest.approx(0.0087, rel=0.1)
    assert found.freedom > 50


def test_side_by_side_the_other_blocks_add_to_it() -> None:
    """A difference of two blocks spreads more than one of them."""
    machine = [{"serving": steady_run(seed)} for seed in range(40)]
    one, both = launch_prior([machine], THROUGHPUT), beside_prior([machine], THROUGHPUT)
    assert one is not None
    assert both is not None
    assert both.sd > one.sd


def test_what_the_number_of_a_launch_explains_is_left_out() -> None:
    """Capacities of the same arrivals are alike, so only the rest is a deviation."""
    hard = np.random.default_rng(0).normal(scale=0.3, size=10)

    def scheduled(seed: int) -> list[list[Pair]]:
        return [
            [replace(one, scenario=slower(one.scenario, by)) for one in launch]
            for launch, by in zip(steady_run(seed), hard, strict=True)
        ]

    rows = {str(row): row for row in range(10)}
    machine = [
        {name: scheduled(10 * n + row) for name, row in rows.items()} for n in range(8)
    ]
    found = launch_prior([machine], CAPACITY)
    assert found is not None
    assert found.sd == pytest.approx(0.0087, rel=0.1)
    several = run_prior([machine], CAPACITY)
    assert several is not None
    assert several.sd == pytest.approx(0.0087 / math.sqrt(10), rel=0.2)


def slower(block: Block, by: float) -> Block:
    """Return the block with a throughput that is lower by `by`, as a logarithm."""
    return replace(block, rps=block.rps * math.exp(-by))


def test_runs_need_a_machine_with_several_recordings() -> None:
    """One recording of a machine says nothing of how runs differ."""
    one = [{"a": steady_run(1), "b": steady_run(2)}]
    several = [{"a": steady_run(seed), "b": steady_run(seed + 50)} for seed in range(3)]
    assert run_prior([one], THROUGHPUT) is None
    assert run_prior([several], THROUGHPUT) is not None
