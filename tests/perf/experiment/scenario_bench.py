"""A scenario whose measurements are made up, to see how a run decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from perf.config.table import Table
from perf.experiment import scenario_run as module
from perf.experiment.collect import Result
from perf.experiment.context import RunContext
from perf.experiment.scenario_run import ScenarioRun
from perf.experiment.schedule import Budget
from perf.judge.judgement import Judgement
from perf.judge.validity import Shares
from perf.report.result import Requests, ScenarioResult
from perf.stats import Verdict
from serving.errors import PerfError

COMMIT = "0123456789abcdef"
BESIDE = f"the baseline's commit {COMMIT[:12]}"
FILE = Path("baselines") / "0001_first.json"


@dataclass(frozen=True)
class _Result:
    """Stands in for a scenario's result."""

    judgement: Judgement
    pairs: tuple[str, ...] = ()
    disturbed: bool = False
    is_reference: bool = False
    against_pairs: tuple[str, ...] = ()
    requests: Requests = field(default_factory=lambda: Requests(total=1, failed=0, wrong=0))
    replaced: tuple[str, ...] = ()
    conditions: Mapping[str, Shares] = field(default_factory=dict)


@dataclass
class Bench:
    """A scenario whose measurements are made up; `asked` has what each was asked for."""

    verdict: Verdict = Verdict.UNCHANGED
    beside: Verdict | BaseException = Verdict.UNCHANGED
    beside_fault: PerfError | None = None
    baseline: bool = True
    disturbed: bool = False
    is_reference: bool = False
    fault: PerfError | None = None
    asked: list[tuple[str, object, object]] = field(default_factory=list)
    published: list[ScenarioResult] = field(default_factory=list)
    benchmark: Any = field(default_factory=lambda: SimpleNamespace(extra_info={}))

    def since_run(self, _rounds: object, budget_s: float | None, *, brief: bool) -> Result:
        """Return what a measurement by the baseline finds."""
        self.asked.append(("since", budget_s, brief))
        return self._found(self.verdict, "since")

    def beside_run(self, label: str, budget_s: float | None) -> Result:
        """Return what a measurement side by side finds."""
        self.asked.append(("beside", label, budget_s))
        if isinstance(self.beside, BaseException):
            raise self.beside
        found = self._found(self.beside, "beside")
        return replace(found, fault=self.beside_fault)

    def _found(self, verdict: Verdict, pair: str) -> Result:
        judgement = Judgement(verdict=verdict)
        result = _Result(judgement, (pair,), self.disturbed, self.is_reference)
        return Result(
            result=cast("ScenarioResult", result),
            fault=self.fault,
            facts={},
            observed={},
        )

    def measure(self, **settings: object) -> _Result:
        """Measure, and return what is published."""
        chosen = {"against": "", "confirm": True, "budget_s": None, "seed": 7}
        chosen["amounts_asked"] = settings.get("amounts_asked", False)
        context = SimpleNamespace(
            settings=SimpleNamespace(**{**chosen, "cache": None, **settings}),
            complete=settings.get("complete", False),
            budget=settings.get("budget", Budget({"decentralized": 60.0})),
            results=SimpleNamespace(add=self.published.append),
        )
        run = ScenarioRun(cast("RunContext", context), Table.read().scenario[0])
        found = run.measure(cast("BenchmarkFixture", self.benchmark))
        assert self.published == [found]
        return cast("_Result", cast("object", found))


Make = Callable[..., Bench]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A function that makes a bench; the clock stands still."""
    clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("perf.experiment.schedule.time", clock)
    monkeypatch.setattr(module, "is_at_hand", lambda commit: commit == COMMIT)
    monkeypatch.setattr(module, "in_benchmark", lambda _: None)
    monkeypatch.setattr(module, "extra_info", lambda *_, **__: {"kept": True})

    @dataclass(frozen=True)
    class _Tree:
        label: str

    monkeypatch.setattr(module, "find_tree", lambda ref, *_: _Tree(ref))

    def make_one(*, commit: str = COMMIT, **changes: Any) -> Bench:  # noqa: ANN401 -- of any field
        bench = Bench(**changes)

        def since(*_: object) -> object:
            baseline = SimpleNamespace(commit=commit, path=FILE) if bench.baseline else None
            return SimpleNamespace(run=bench.since_run, baseline=baseline, identity=None)

        def beside(
            _context: object,
            _row: object,
            tree: _Tree,
            _option: str,
            *,
            settles: bool = False,
        ) -> object:
            # A tree that the user named has the smaller tolerance, whatever is found.
            assert settles is tree.label.startswith("the baseline's commit ")

            def run(_rounds: object, budget_s: float | None) -> Result:
                return bench.beside_run(tree.label, budget_s)

            return SimpleNamespace(run=run)

        monkeypatch.setattr(module, "SinceBaseline", since)
        monkeypatch.setattr(module, "SideBySide", beside)
        return bench

    return make_one
