"""A sweep of the table: what it measures, its files, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from perf.config.scenario import Scenario
from perf.config.sweep import Sweep
from perf.config.table import Table
from perf.experiment.lab import Lab
from perf.experiment.sweep import sweep_run as module
from perf.experiment.sweep.journal import Launch
from perf.experiment.sweep.sweep_run import SweepRun
from perf.stats import Block
from serving.child import ChildError
from serving.errors import ConfigError
from tests.support.fakes import IDENTITY
from tests.support.results import HEADER

TABLE = Table.read()
SPEED = {1: 5.0, 4: 9.0, 8: 10.0}


class Bench:
    """Sweeps over the batch size, with measurements that are made up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Prepare."""
        self.folder = folder
        self.said: list[str] = []
        self.launches: list[Scenario] = []
        self.pace_runs = False
        self.fault: Exception | None = None
        self.refused: dict[int, str] = {}
        self.space: dict[str, tuple[int, ...]] = {"batch_size": (1, 4, 8)}
        monkeypatch.setattr(module, "Pace", self._pace)
        monkeypatch.setattr(module, "LaunchMeter", self._meter)
        monkeypatch.setattr(module, "identity_of", lambda *_: IDENTITY)
        monkeypatch.setattr(Table, "read", self._table)

    def run(self, name: str = "try") -> SweepRun:
        """Measure the sweep, and return the run."""
        settings = SimpleNamespace(
            reports=self.folder, arrivals_seed=0, profile_name="smoke", cores=2
        )
        lab = SimpleNamespace(settings=settings, refusal=self._refusal)
        made = SweepRun(cast("Lab", lab), HEADER, name, self.said.append)
        made.measure()
        return made

    def _table(self) -> Table:
        sweep = Sweep(base="serving-batch", rounds=2, space=self.space)
        return TABLE.model_copy(update={"sweep": {"try": sweep}})

    def _refusal(self, row: Scenario) -> str:
        return self.refused.get(row.server.batch_size, "")

    def _pace(self) -> object:
        self.pace_runs = True
        return SimpleNamespace(pids=(), stop=self._stop_pace)

    def _stop_pace(self) -> None:
        self.pace_runs = False

    def _meter(self, *_: object) -> object:
        return SimpleNamespace(measure=self._measure)

    def _measure(self, row: Scenario, blocks: int) -> Launch:
        assert self.pace_runs
        if self.fault:
            raise self.fault
        self.launches.append(row)
        rps, wobble = SPEED[row.server.batch_size], 0.001 * (len(self.launches) % 3)
        return Launch([Block(rps=rps * (1.0 + wobble), pace=1.0, p99_ms=100.0)] * blocks)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench."""
    return Bench(tmp_path, monkeypatch)


def test_the_report_is_a_page_beside_the_journal(bench: Bench) -> None:
    """The page has every point; the pace is ended."""
    run = bench.run()
    assert run.result is not None
    page = (bench.folder / "sweep-try.md").read_text("utf-8")
    assert page.startswith("## Sweep try")
    assert all(point.key.replace("_", "\\_") in page for point in run.result.points)
    assert (bench.folder / "sweep-try.jsonl").exists()
    assert not bench.pace_runs


def test_a_finished_sweep_measures_nothing_again(bench: Bench) -> None:
    """It says that it goes on, and comes to the same result."""
    first = bench.run().result
    bench.launches.clear()
    bench.said.clear()
    assert bench.run().result == first
    assert not bench.launches
    assert bench.said[0].startswith("going on: ")
    assert "sweep-try.jsonl" in bench.said[0]


def test_another_table_does_not_go_on(bench: Bench) -> None:
    """The message names the option and the file, and nothing is measured."""
    bench.run()
    bench.launches.clear()
    bench.space = {"batch_size": (1, 8)}
    with pytest.raises(ConfigError, match=r"^--perf-sweep: .*sweep\.space") as caught:
        bench.run()
    assert "sweep-try.jsonl" in str(caught.value)
    assert not bench.launches


def test_changed_code_does_not_go_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points of two handlers cannot be compared."""
    bench.run()
    monkeypatch.setattr(module, "files_digest", lambda _: "changed")
    with pytest.raises(ConfigError, match=r"code [0-9a-f]{16} -> changed;"):
        bench.run()


@pytest.mark.parametrize(
    ("name", "space", "expected"),
    [
        ("none", {"batch_size": (1,)}, "--perf-sweep none: no such sweep; known: try"),
        ("try", {"wrokers": (1,)}, "--perf-sweep try: sweep.try.space.wrokers: a row has"),
        (
            "try",
            {"workers": (3, 4)},
            "--perf-sweep try: sweep.try: none of its 2 points can be measured",
        ),
    ],
)
def test_a_sweep_that_makes_no_sense(
    bench: Bench, name: str, space: dict[str, Any], expected: str
) -> None:
    """One line, which begins with the option; no file is written."""
    bench.space = space
    with pytest.raises(ConfigError) as caught:
        bench.run(name)
    assert str(caught.value).startswith(expected)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(bench.folder.iterdir())


def test_what_the_machine_lacks_is_told(bench: Bench) -> None:
    """The points that can be measured are."""
    bench.refused = {4: "no such card"}
    run = bench.run()
    assert run.result is not None
    assert run.result.infeasible == {"batch_size 4": "no such card"}
    assert 4 not in {row.server.batch_size for row in bench.launches}


def test_a_fault_ends_the_pace(bench: Bench) -> None:
    """No process is left, and there is no result."""
    bench.fault = ChildError("a process died")
    with pytest.raises(ChildError):
        bench.run()
    assert not bench.pace_runs
    assert not (bench.folder / "sweep-try.md").exists()
