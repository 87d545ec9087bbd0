"""The priors that recordings suggest."""

from __future__ import annotations

import pytest

from perf.stats import THROUGHPUT
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


def test_runs_need_a_machine_with_several_recordings() -> None:
    """One recording of a machine says nothing of how runs differ."""
    one = [{"a": steady_run(1), "b": steady_run(2)}]
    several = [{"a": steady_run(seed), "b": steady_run(seed + 50)} for seed in range(3)]
    assert run_prior([one], THROUGHPUT) is None
    assert run_prior([several], THROUGHPUT) is not None
