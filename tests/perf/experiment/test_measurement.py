"""A measurement has every instrument, ends what it started, and tells what ended it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from perf.config.table import Table
from perf.experiment import measurement as module
from perf.experiment.arms import MeasuredBlock
from perf.experiment.context import RunContext
from perf.experiment.instruments import REFERENCE_ARM
from perf.experiment.measurement import Measurement, Outcome, without_benchmark
from perf.experiment.progress import Standing, Work
from perf.experiment.schedule import Course
from perf.judge.judgement import Judgement
from perf.load.pools.base import OnRecord
from perf.machine.pace import Pace
from perf.stats import Estimate, Verdict
from serving.errors import ServerError
from tests.support.commanded import CommandedProcess
from tests.support.fakes import FakeArm, ended, record

_MIB = 1024**2
_RATIO = Estimate(point=2.5, low=2.4, high=2.6, confidence=0.95)
_ROW = Table.read().find("serving-batch")
_PROFILE = Table.read().profile["smoke"].model_copy(update={"pairs": 4, "launches": 2})


class SlowArm(FakeArm):
    """An arm whose blocks last long enough for a sample, and that a host may run."""

    host: tuple[int, ...] = ()
    block_s = 0.0

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Let time pass."""
        time.sleep(self.block_s)
        return super().block(on_record)

    def host_pids(self) -> tuple[int, ...]:
        """Return what a test has set."""
        return self.host

    def log_tail(self) -> str:
        """Return the log of a server that died."""
        return "its last words"


class Bench:
    """Two arms, and what measures them."""

    def __init__(self) -> None:
        """Prepare four pairs in two launches."""
        self.diary: list[str] = []
        self.arm = SlowArm("scenario", self.diary, block_images=8, image_s=0.25)
        self.reference = SlowArm("reference", self.diary, block_images=4, image_s=0.5)
        self.jobs: list[object] = []
        self.standings: list[Standing] = []

    def progress(self, work: Work) -> object:
        """Count the jobs and look after each pair, as what is shown would."""
        self.work = work
        return SimpleNamespace(
            job_ended=self.jobs.append,
            pair_ended=lambda look: self.standings.append(look()),
            stop=lambda: self.diary.append("progress: stop"),
        )

    def run(self) -> Outcome:
        """Measure."""
        lab = SimpleNamespace(
            machine=SimpleNamespace(usable_cores=1e4),  # so nobody disturbs
            helper_pids=(),
            idle_pids=list,
        )
        context = SimpleNamespace(
            lab=lab,
            settings=SimpleNamespace(seed=7),
            progress=self.progress,
            results=SimpleNamespace(scenarios=["an earlier one"]),
            judged=3,
        )
        course = Course(profile=_PROFILE, budget_s=None, decided=lambda *_: False)
        return Measurement(
            context=cast("RunContext", context),
            scenario=_ROW,
            arm=self.arm,
            reference=self.reference,
            course=course,
            rounds=without_benchmark,
            judge=lambda _: Judgement(verdict=Verdict.NO_BASELINE, ratio=_RATIO),
        ).run()


@pytest.fixture
def host() -> Iterator[CommandedProcess]:
    """A process that holds 300 MiB."""
    process = CommandedProcess()
    process.ask("share 300 0")
    yield process
    process.end()


def test_all_pairs_are_measured_and_all_is_stopped() -> None:
    """Both arms, the progress and the processes of the pace end with the measurement."""
    bench = Bench()
    outcome = bench.run()
    assert outcome.fault is None
    assert [pair.launch for pair in outcome.pairing.pairs] == [0, 0, 1, 1]
    assert outcome.pairing.replaced == []
    assert len(bench.jobs) == 4 * (8 + 4)
    assert bench.work == Work(
        name=_ROW.name, place=2, scenarios=3, pairs=4, jobs=4 * (8 + 4), budget_s=None
    )
    assert {"scenario: stop", "reference: stop", "progress: stop"} <= set(bench.diary)
    assert outcome.instruments.yardstick is None
    pace = outcome.instruments.pace
    assert isinstance(pace, Pace)
    assert all(ended(pid) for pid in pace.pids)


def test_each_pair_that_counts_tells_where_the_measurement_stands() -> None:
    """After each one its launch, the planned ones and the judgement so far are known."""
    bench = Bench()
    bench.run()
    assert [(one.pairs, one.launches) for one in bench.standings] == [
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 2),
    ]
    assert {(one.planned, one.change, one.ratio) for one in bench.standings} == {
        (2, None, _RATIO)
    }


def test_a_bad_job_is_the_fault_with_the_servers_log() -> None:
    """The log is read before the server is stopped, and all is stopped all the same."""
    bench = Bench()
    bench.arm.bad[1] = record(0, error="died: killed")
    fault = bench.run().fault
    assert isinstance(fault, ServerError)
    assert str(fault).startswith(f"{_ROW.name}: of ")
    assert str(fault).endswith("its last words")
    assert {"scenario: stop", "reference: stop"} <= set(bench.diary)


def test_a_disturbed_pair_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine did in its two blocks, and a jump of the pace, are the reasons."""
    found = iter([["others were busy"], [], []])
    monkeypatch.setattr(module, "disturbances", lambda _: next(found, []))
    jumps = iter(["the pace changed", "the pace changed too"])
    monkeypatch.setattr(module, "pace_fault", lambda _: next(jumps, ""))
    pairing = Bench().run().pairing
    assert pairing.replaced == [
        "others were busy; the pace changed",
        "the pace changed too",
    ]
    assert len(pairing.pairs) == 4


def test_an_arm_does_not_bear_the_host_of_the_other(host: CommandedProcess) -> None:
    """The memory of a host counts in the blocks of its own arm alone."""
    bench = Bench()
    bench.arm.host = (host.pid,)
    bench.arm.block_s = bench.reference.block_s = 0.6
    outcome = bench.run()
    ours = outcome.usage.peak_memory_bytes
    theirs = outcome.instruments.monitors[REFERENCE_ARM].stop().peak_memory_bytes
    assert ours is not None
    assert theirs is not None
    assert ours - theirs > 200 * _MIB
