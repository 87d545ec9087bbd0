"""A whole sweep with a fake measurement: the race, head to head, the report, going on."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest

from perf.config.scenario import Scenario
from perf.config.sweep import Plan, Sweep, plan
from perf.config.table import Table
from perf.experiment.scheduled_arms import ClientLimitError
from perf.experiment.sweep.journal import Journal, Launch, entry_of
from perf.experiment.sweep.proposals import MOST
from perf.experiment.sweep.sweeping import FINAL_ROUNDS, Sweeping
from perf.report.sweep import SweepResult, render
from perf.stats import Block
from perf.stats.quantity import P99, THROUGHPUT
from serving.errors import ConfigError, EngineError, PerfError, ServerError

BASE = Table.read().find("serving-batch")
SPEED = {1: 5.0, 4: 9.0, 8: 10.0, 16: 12.0}
SPACE = {"batch_size": (1, 4, 16), "batch_delay_ms": (20, 100)}


class Bench:
    """Measures rows whose throughput depends on the batch size alone."""

    def __init__(self) -> None:
        """Begin with no launch."""
        self.launches: list[Scenario] = []
        self.said: list[str] = []
        self.fault: BaseException | None = None
        self.faulty_batch = 0
        self.disturbed = 0
        self._draw = random.Random(5)  # noqa: S311 -- noise, not a secret

    def measure(self, row: Scenario, blocks: int) -> Launch:
        """Return so many blocks, or raise the fault that was set."""
        self.launches.append(row)
        if self.fault and row.server.batch_size == self.faulty_batch:
            raise self.fault
        rps = SPEED[row.server.batch_size]
        measured = [
            Block(
                rps=rps * math.exp(self._draw.gauss(0.0, 0.004)),
                pace=1.0,
                p99_ms=100.0 * row.server.batch_size / rps,
            )
            for _ in range(blocks)
        ]
        return Launch(measured, self.disturbed)


def planned(**space: tuple[int, ...]) -> Plan:
    """Return the plan of a sweep of three launches a point."""
    sweep = Sweep(base=BASE.name, rounds=3, space=space or SPACE)
    return plan("try", sweep, BASE, lambda _: "")


def sweeping(bench: Bench, folder: Path, chosen: Plan | None = None) -> Sweeping:
    """Return a sweep with its journal in `folder`."""
    return Sweeping(
        plan=chosen or planned(),
        quantities=(THROUGHPUT, P99),
        header="a machine",
        journal=Journal(folder / "sweep.jsonl", {"of": "test"}),
        measure_launch=bench.measure,
        say=bench.said.append,
        seed=1,
    )


@pytest.fixture
def bench() -> Bench:
    """A bench without faults."""
    return Bench()


@pytest.fixture
def result(bench: Bench, tmp_path: Path) -> SweepResult:
    """The result of a whole sweep."""
    return sweeping(bench, tmp_path).run()


def test_the_fastest_point_wins_head_to_head(result: SweepResult) -> None:
    """Its gain over today's row is measured anew, and a row to paste is given."""
    winner, runner_up, today = result.finals
    assert "batch_size 16" in winner.key
    assert "batch_size 16" in runner_up.key
    assert today.key == "today's row"
    assert not today.changes
    change = winner.changes["throughput"]
    assert change is not None
    assert change.point == pytest.approx(1.2, rel=0.02)
    assert change.low > 1.1
    assert winner.launches == FINAL_ROUNDS
    assert result.winner.splitlines()[0] == "[[scenario]]"
    assert "batch_size = 16" in result.winner.splitlines()


def test_every_point_is_in_the_report(result: SweepResult) -> None:
    """The fastest first; the quickest is among the best too."""
    assert len(result.points) == 6
    assert "batch_size 16" in result.points[0].key
    best = {point.key for point in result.points if point.is_best}
    assert any("batch_size 1," in key for key in best)
    for markdown in (True, False):
        text = render(result, markdown=markdown)
        assert all(point.key in text.replace("\\_", "_") for point in result.points)
        assert "[[scenario]]" in text


def test_todays_settings_are_not_compared_with_themselves(
    bench: Bench, tmp_path: Path
) -> None:
    """Where they are a point of the sweep, and the best one, no other point is better."""
    assert (BASE.server.batch_size, BASE.server.batch_delay_ms) == (8, 100)
    chosen = planned(batch_size=(4, 8), batch_delay_ms=(100,))
    found = sweeping(bench, tmp_path, chosen).run()
    assert [one.key for one in found.finals] == [
        "batch_size 4, batch_delay_ms 100",
        "today's row",
    ]
    assert found.points[0].remark == "today's settings"
    assert not found.winner


def test_disturbed_blocks_are_told(bench: Bench, tmp_path: Path) -> None:
    """In the progress of each launch, and for each point in the report."""
    bench.disturbed = 1
    found = sweeping(bench, tmp_path).run()
    assert all("(1 disturbed block)" in line for line in bench.said)
    assert "3 disturbed blocks" in [one.remark for one in found.points]


def test_progress_tells_the_time_left(result: SweepResult, bench: Bench) -> None:
    """One line for each launch, the last with nothing left but one."""
    assert result.points
    assert len(bench.said) == len(bench.launches)
    assert all("min left" in line for line in bench.said)
    assert bench.said[0].startswith("race, round 1: ")
    assert bench.said[-1].startswith(f"head to head, round {FINAL_ROUNDS}: ")


def test_an_interrupted_sweep_measures_only_the_rest(tmp_path: Path, bench: Bench) -> None:
    """It comes to the same result as one that was not interrupted."""
    bench.fault, bench.faulty_batch = KeyboardInterrupt(), 16
    with pytest.raises(KeyboardInterrupt):
        sweeping(bench, tmp_path).run()
    before = len(bench.launches) - 1  # the launch that was interrupted does not count
    assert before > 0
    bench.fault = None
    bench.launches.clear()
    result = sweeping(bench, tmp_path).run()
    again = len(bench.launches)
    bench.launches.clear()
    assert sweeping(bench, tmp_path).run() == result
    assert not bench.launches
    whole = Journal(tmp_path / "sweep.jsonl", {"of": "test"}).launches
    assert before + again == whole


@pytest.mark.parametrize("kind", [ServerError, EngineError])
def test_a_point_that_does_not_start_is_a_result(
    tmp_path: Path, bench: Bench, kind: type[PerfError]
) -> None:
    """The sweep goes on without it, and the report says why."""
    bench.fault, bench.faulty_batch = kind("no memory\nlog"), 4
    result = sweeping(bench, tmp_path).run()
    failed = [point for point in result.points if "batch_size 4" in point.key]
    assert {point.remark for point in failed} == {"failed: no memory"}
    assert {point.launches for point in failed} == {0}
    assert not any(point.is_best for point in failed)


def test_a_client_that_was_the_limit_is_tried_again(tmp_path: Path, bench: Bench) -> None:
    """It fails the point in this run, once, but is no property of it: it is not kept."""
    bench.fault, bench.faulty_batch = ClientLimitError("too late"), 4
    result = sweeping(bench, tmp_path).run()
    failed = [point for point in result.points if "batch_size 4" in point.key]
    assert {point.remark for point in failed} == {"failed: too late"}
    assert [row.server.batch_size for row in bench.launches].count(4) == len(failed)
    bench.fault = None
    again = sweeping(bench, tmp_path).run()
    assert not any(point.remark.startswith("failed") for point in again.points)


def test_no_time_left_is_below_zero(tmp_path: Path, bench: Bench) -> None:
    """Also where the journal has more launches than the proposals will need."""
    made = sweeping(bench, tmp_path)
    for number in range(3 * MOST + 100):
        made.journal.add(entry_of("race", "an older point", number, Launch([])), keep=False)
    made._points = {one.key: one for one in made.plan.points}
    made._launch("race", made.plan.points[0].key, 0)
    assert bench.said[-1].endswith("; at most 0 min left")


def test_a_wrong_option_ends_the_sweep(tmp_path: Path, bench: Bench) -> None:
    """It is no property of a point, so nothing of it is kept."""
    bench.fault, bench.faulty_batch = ConfigError("--perf-model: no such file"), 4
    with pytest.raises(ConfigError):
        sweeping(bench, tmp_path).run()
    assert not Journal(tmp_path / "sweep.jsonl", {"of": "test"}).find(
        "race", "batch_size 4, batch_delay_ms 20", 0
    )


def test_where_nothing_is_better_no_row_is_given(tmp_path: Path, bench: Bench) -> None:
    """Today's row stays."""
    result = sweeping(bench, tmp_path, planned(batch_size=(1, 4))).run()
    assert result.winner == ""
    assert "No point is surely better" in render(result, markdown=False)


def test_where_every_point_fails_nothing_more_is_measured(
    tmp_path: Path, bench: Bench
) -> None:
    """There is nothing to compare with today's row."""
    bench.fault, bench.faulty_batch = ServerError("no memory"), 4
    result = sweeping(bench, tmp_path, planned(batch_size=(4,))).run()
    assert not result.finals
    assert len(bench.launches) == 1


MANY = {
    "batch_size": (1, 4, 8, 16),
    "batch_delay_ms": (10, 20, 50, 100),
    "queue_size": (50, 100, 200, 400),
}


def test_many_points_need_optuna(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it nothing is measured, and one line says what to do."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="--perf-sweep try: its 64 points") as caught:
        sweeping(bench, tmp_path, planned(**MANY)).run()
    assert "tox -e sweep -- try" in str(caught.value)
    assert not bench.launches


@pytest.mark.slow(reason="the environment of the quick tests has no optuna")
def test_of_many_points_some_are_proposed(tmp_path: Path, bench: Bench) -> None:
    """The proposals find the fast ones; no more than the limit are launched."""
    chosen = planned(**MANY)
    assert len(chosen.points) > MOST
    result = sweeping(bench, tmp_path, chosen).run()
    assert len(result.points) == MOST
    assert "batch_size 16" in result.finals[0].key
