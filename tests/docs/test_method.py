"""docs/method.md says what the code does: its constants are those of the code."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from perf.config.scenario import Scenario
from perf.config.table import Table
from perf.judge import validity
from perf.machine import pace_process
from perf.stats import middle, rule, sequential, verdict
from perf.stats.quantity import CPU, MEMORY, P99, QUANTITIES, THROUGHPUT, Quantity

ROOT = Path(__file__).parents[2]
TEXT = " ".join((ROOT / "docs" / "method.md").read_text("utf-8").split())
_NUMBER = r"([\d.]+)"
# What the page calls them, in its first table.
_CALLED = {"throughput": THROUGHPUT, "peak memory": MEMORY, "CPU time": CPU, "p99": P99}


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (r"value more than ([\d.]+) standard deviations", middle.OUTLYING),
        (r"spending function of power (\d+)", sequential.SPENDING_POWER),
        (r"interval: it leaves out ([\d.]+) % on each side", 100 * rule.PASS_ALPHA),
        (r"is the ([\d.]+) % interval: it", 100 * (1 - 2 * rule.PASS_ALPHA)),
        (r"at most ([\d.]+) % of runs call some scenario regressed", 100 * rule.RUN_ALPHA),
        (
            r"four scenarios the interval of throughput leaves out ([\d.]+) %",
            100 * rule.RUN_ALPHA * THROUGHPUT.share / 4 / 2,
        ),
        (r"an alarm (\d+) times in 100", 100 * verdict.POWER),
        (r"at least ([\d.]+) times the scenario's rate", validity.HEADROOM),
        (r"CPU stolen at most ([\d.]+) %", validity.STOLEN_PERCENT),
        (r"used by others at most ([\d.]+) %", validity.FOREIGN_PERCENT),
        (r"throttled at most ([\d.]+) %", validity.THROTTLED_PERCENT),
        (r"\(SIGSTOP\); at most ([\d.]+) % of the CPU", validity.IDLE_ARM_PERCENT),
        (r"the whole ([\d.]+) % interval lies outside", 100 * validity.NULL_CONFIDENCE),
        (r"interval lies outside ([\d.]+) to", 1 - validity.NULL_CONTROL),
        (r"interval lies outside 0.98 to ([\d.]+)", 1 + validity.NULL_CONTROL),
        (r"of matrices up to (\d+) times a second", round(1 / pace_process.PERIOD_S)),
        (r"a second: (\d+) x", pace_process.SMALL),
        (r"x 128 and (\d+) x", pace_process.LARGE),
        (
            r"differ by more than (\d+) % in pace",
            round(100 * math.expm1(validity.PACE_JUMP)),
        ),
        (r"Each prior counts like (\d+)", THROUGHPUT.launch.freedom),
        (r"Each prior counts like (\d+)", THROUGHPUT.run.freedom),
        (r"time is used up: (\d+) minutes", Table.read().profile["standard"].budget_min),
    ],
)
def test_the_constants_are_those_of_the_code(pattern: str, value: float) -> None:
    """Every constant has on the page the value that it has in the code."""
    found = re.findall(pattern, TEXT)
    assert [float(figure) for figure in found] == [pytest.approx(value)], pattern


@pytest.mark.parametrize(("called", "quantity"), _CALLED.items(), ids=list(_CALLED))
def test_the_quantities_are_those_of_the_code(called: str, quantity: Quantity) -> None:
    """Every quantity has on the page its tolerances, and its share of the error."""
    assert set(_CALLED.values()) == set(QUANTITIES)
    row = re.search(rf"\| {called} \| [^|]+ \| ([^|]+) \| (\d+) % \|", TEXT)
    assert row
    assert float(row[2]) == pytest.approx(100 * quantity.share)
    since = [scenario.tolerances(side_by_side=False) for scenario in _scenarios()]
    known = [100 * tolerances[quantity.name] for tolerances in since]
    beside = {100 * s.tolerances(side_by_side=True)[quantity.name] for s in _scenarios()}
    given = [float(number) for number in re.findall(_NUMBER, row[1])]
    wanted = {min(known), max(known), *beside}
    assert sorted(given) == pytest.approx(sorted(wanted))


def _scenarios() -> tuple[Scenario, ...]:
    return Table.read().scenario


def test_the_priors_are_those_of_the_code() -> None:
    """Every quantity has on the page what is known of its launches and runs."""
    seen = []
    for called, launch, run in re.findall(
        rf"\| ([A-Za-z0-9, ]+) \| {_NUMBER} % \| {_NUMBER} % \|",
        TEXT.partition("| prior |")[2],
    ):
        for name in called.split(", "):
            quantity = _CALLED[name]
            assert float(launch) == pytest.approx(100 * quantity.launch.sd), name
            assert float(run) == pytest.approx(100 * quantity.run.sd), name
            seen.append(quantity)
    assert set(seen) == set(QUANTITIES)
    freedoms = {(quantity.launch.freedom, quantity.run.freedom) for quantity in QUANTITIES}
    assert freedoms == {(THROUGHPUT.launch.freedom, THROUGHPUT.run.freedom)}


def test_it_is_three_pages() -> None:
    """It is short enough to be read before a verdict is doubted."""
    assert len(TEXT.split()) < 1600
