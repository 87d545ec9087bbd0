"""The tables of capacity and of requests at a fixed rate."""

from __future__ import annotations

from dataclasses import replace

from perf.report.formats import MARKDOWN, TERMINAL
from perf.report.open_loop import capacity_table, offered_table
from perf.report.result import CapacityResult, OfferedResult
from tests.support.results import BATCH, run_of

CAPACITY = CapacityResult(
    slo_ms=2000.0,
    share=0.99,
    rps=9.137,
    low_rps=8.6,
    high_rps=9.541,
    closed_rps=11.2,
    cliff=True,
    tiers_rps={500.0: None, 1000.0: 7.312, 2000.0: 9.137},
    attained={8.0: 1.0, 10.0: 0.91},
    confirmed="open",
)
OFFERED = OfferedResult(
    rate_rps=6.0,
    slo_ms=800.0,
    goodput_rps=5.94,
    attainment=0.99,
    missed=2,
    response_ms={"p50": 201.2, "p90": 300.0, "p95": 400.0, "p99": 760.4},
    service_ms={"p50": 200.9, "p90": 299.0, "p95": 399.0, "p99": 759.8},
    lateness_ms={"p50": 0.1, "p90": 0.2, "p95": 0.3, "p99": 0.412},
)
SEARCHED = replace(BATCH, name="capacity-batch", capacity=CAPACITY)
AT_RATE = replace(BATCH, offered=OFFERED)


def test_a_capacity_has_its_interval_tiers_and_closed_loop() -> None:
    """One row; what lies outside the rates that were tried is a dash."""
    table = capacity_table([BATCH, SEARCHED])
    assert table is not None
    assert table.rows == [
        [
            "capacity-batch",
            "99 % within 2000 ms",
            "9.14 [8.60, 9.54]",
            "open",
            "11.2/s",
            "-",
            "7.31/s",
            "9.14/s",
            "yes",
        ]
    ]
    assert table.headings[5:8] == ["within\n500 ms", "within\n1000 ms", "within\n2000 ms"]


def test_a_capacity_that_was_not_found_is_a_dash() -> None:
    """It is told that there is none, not that it is zero."""
    none = replace(CAPACITY, rps=None, low_rps=None, high_rps=None, confirmed=None)
    table = capacity_table([replace(SEARCHED, capacity=none)])
    assert table is not None
    assert table.rows[0][2:4] == ["-", "-"]


def test_a_fixed_rate_has_goodput_and_the_three_times() -> None:
    """Response, service and lateness stand beside each other."""
    table = offered_table([AT_RATE, BATCH])
    assert table is not None
    assert table.rows == [
        [
            "serving-batch",
            "6.00/s",
            "within 800 ms",
            "5.94/s",
            "99.0 %",
            "2",
            "201 ms",
            "760 ms",
            "760 ms",
            "0.41 ms",
        ]
    ]


def test_a_closed_loop_needs_no_such_table() -> None:
    """A run of the main scenarios is as it was."""
    assert capacity_table([BATCH]) is offered_table([BATCH]) is None


def test_the_throughput_of_a_search_is_that_of_the_closed_loop() -> None:
    """Images over time would mean nothing: many rates were tried."""
    for exporter in (TERMINAL, MARKDOWN):
        text = exporter.render(run_of(SEARCHED, AT_RATE))
        assert "11.2/s" in text
        assert "99 % within 2000 ms" in text
        assert "attainment" in text
        assert "confirmed: whether a fresh launch met the SLO" in text


def test_what_is_judged_is_told() -> None:
    """The columns of throughput show something else for these scenarios."""
    for result, said in (
        (SEARCHED, "the capacity is judged"),
        (AT_RATE, "its goodput is judged"),
    ):
        assert said in TERMINAL.render(run_of(result))
        assert said not in TERMINAL.render(run_of(BATCH))
