"""What became of requests at one rate: their times are those of right answers."""

from __future__ import annotations

import pytest

from perf.config.table import Table
from perf.experiment.arms import MeasuredBlock
from perf.experiment.offered_result import offered_result
from perf.load.pools.base import BlockRun
from perf.load.record import BlockTotals, JobRecord
from tests.support.fakes import IMAGE, record

ROW = (
    Table.read()
    .find("serving-batch")
    .model_copy(update={"arrivals": "poisson", "rate_rps": 5.0, "slo_ms": 500})
)


def block(*records: JobRecord) -> MeasuredBlock:
    """Return a block with these records."""
    numbered = tuple(one._replace(image=place) for place, one in enumerate(records))
    run = BlockRun(numbered, BlockTotals(0.0, 4.0, 0.0, 0.0))
    return MeasuredBlock(run, (IMAGE,) * len(records), goodput_rps=5.0)


def test_a_request_that_failed_counts_but_has_no_time() -> None:
    """It lowers the attainment; response and service are those of answers."""
    answered = record(0)._replace(launched_s=0.001, ended_s=0.1)
    failed = record(0, error="late")._replace(launched_s=0.003, ended_s=60.0)
    found = offered_result(ROW, [block(*[answered] * 3, failed)])
    assert found is not None
    assert (found.attainment, found.missed) == (0.75, 1)
    assert found.response_ms["p99"] == pytest.approx(100.0)
    assert found.service_ms["p99"] == pytest.approx(99.0)
    assert found.lateness_ms["p99"] > 2.0


def test_where_no_request_was_answered_there_are_no_times() -> None:
    """The client was in time all the same."""
    found = offered_result(ROW, [block(record(0, error="died"))])
    assert found is not None
    assert (found.attainment, found.response_ms, found.service_ms) == (0.0, {}, {})
    assert found.lateness_ms["p50"] == 0.0
