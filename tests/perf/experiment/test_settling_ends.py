"""A settling that fails or is ended loses nothing that was measured before."""

from __future__ import annotations

import pytest

from perf.experiment.against.hosted import HostedError
from perf.judge.judgement import Judgement
from perf.stats import Verdict
from serving.errors import ConfigError, PerfError
from tests.perf.experiment.scenario_bench import BESIDE, Make, make

__all__ = ["make"]  # a fixture


@pytest.mark.parametrize("fault", [ConfigError("too old"), PerfError("no model\nlog")])
def test_what_cannot_be_settled_keeps_its_verdict(make: Make, fault: PerfError) -> None:
    """The reason is kept, in one line, and what was measured is published."""
    bench = make(verdict=Verdict.REGRESSED, beside=fault)
    judgement = bench.measure().judgement
    assert judgement.verdict is Verdict.REGRESSED
    assert judgement.unsettled == str(fault).splitlines()[0]


def test_an_old_commit_that_no_longer_runs_is_no_fault(make: Make) -> None:
    """The baseline's verdict stays, with the reason in one line."""
    fault = HostedError(BESIDE, "its image cannot be built\nlog")
    bench = make(verdict=Verdict.INCONCLUSIVE, beside=Verdict.INVALID, beside_fault=fault)
    judgement = bench.measure().judgement
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.unsettled == f"{BESIDE}: its image cannot be built"


@pytest.mark.parametrize(
    "fault", [HostedError("HEAD", "the server died"), PerfError("a job failed")]
)
def test_a_fault_of_this_tree_while_settling_counts(make: Make, fault: PerfError) -> None:
    """It is published as invalid, and raised."""
    bench = make(verdict=Verdict.INCONCLUSIVE, beside=Verdict.INVALID, beside_fault=fault)
    with pytest.raises(PerfError) as raised:
        bench.measure()
    assert raised.value is fault
    assert [one.judgement.verdict for one in bench.published] == [Verdict.INVALID]


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), pytest.exit.Exception("ended")])
def test_a_run_that_ends_while_it_settles_loses_nothing(
    make: Make, ending: BaseException
) -> None:
    """What was measured since the baseline is published."""
    bench = make(verdict=Verdict.INCONCLUSIVE, beside=ending)
    with pytest.raises(type(ending)):
        bench.measure()
    (published,) = bench.published
    assert published.judgement == Judgement(
        verdict=Verdict.INCONCLUSIVE, unsettled="the run was ended"
    )
