"""One launch of a row alone: the order of its steps, and disturbed blocks."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import cast

import pytest

from perf.config.table import Table
from perf.experiment.answers import JobsFailedError
from perf.experiment.lab import Lab
from perf.experiment.sweep import launch as module
from perf.experiment.sweep.launch import MOST_AGAIN, LaunchMeter
from perf.machine.interference import Conditions
from perf.machine.pace_process import Spans
from tests.support.fakes import FakeArm, FakeMonitor, FakePace, record

ROW = Table.read().find("serving-batch")
START = ["row: relaunch", "row: 2 images", "row: observed"]
BLOCK = ["scenario: measure", "row: 8 images", "scenario: measured"]
END = ["row: observed", "row: stop"]


class Watch:
    """A watch that sees another program in so many blocks."""

    def __init__(self, disturbed: int) -> None:
        """Prepare."""
        self.disturbed = disturbed

    @contextmanager
    def block(self, idle_arm: Iterable[int] = ()) -> Iterator[list[Conditions]]:
        """Yield a list that receives the conditions of the block at its end."""
        assert not tuple(idle_arm)
        found: list[Conditions] = []
        yield found
        foreign_s = 1.0 if self.disturbed > 0 else 0.0
        self.disturbed -= 1
        found.append(
            Conditions(
                duration_s=1.0,
                own_s=0.0,
                foreign_s=foreign_s,
                stolen_s=0.0,
                throttled_s=0.0,
            )
        )


class Bench:
    """A meter whose arm and instruments log their calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Prepare."""
        self.calls: list[str] = []
        self.arm = FakeArm("row", self.calls, block_images=8, image_s=0.25)
        self.watch = Watch(0)
        monitor = FakeMonitor("scenario", self.calls)
        monkeypatch.setattr(module, "Monitor", lambda *_, **__: nullcontext(monitor))
        monkeypatch.setattr(module, "Watch", lambda _: self.watch)
        lab = SimpleNamespace(
            arm=lambda _: self.arm,
            machine=SimpleNamespace(usable_cores=2.0),
            helper_pids=(),
            idle_pids=tuple,
        )
        self.meter = LaunchMeter(cast("Lab", lab), FakePace(), ())


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench."""
    return Bench(monkeypatch)


def test_a_launch_is_warmed_up_measured_and_stopped(bench: Bench) -> None:
    """Its settings are checked before the first block and after the last one."""
    blocks = bench.meter.measure(ROW, 2).blocks
    assert bench.calls == [*START, *BLOCK, *BLOCK, *END]
    assert [(one.rps, one.pace) for one in blocks] == [(4.0, 2.0)] * 2


def test_a_disturbed_block_is_measured_again(bench: Bench) -> None:
    """It does not count."""
    bench.watch.disturbed = 1
    launch = bench.meter.measure(ROW, 1)
    assert (len(launch.blocks), launch.disturbed) == (1, 0)
    assert bench.calls == [*START, *BLOCK, *BLOCK, *END]


def test_a_machine_that_is_always_disturbed_is_measured_all_the_same(bench: Bench) -> None:
    """A launch ends: only so many blocks are measured again. It says how many count."""
    bench.watch.disturbed = 100
    launch = bench.meter.measure(ROW, 2)
    assert (len(launch.blocks), launch.disturbed) == (2, 2)
    assert bench.calls.count("row: 8 images") == 2 + MOST_AGAIN


class SlowedPace(FakePace):
    """A pace that is only half as high in some blocks, counted from 0."""

    def __init__(self, slow: Container[int]) -> None:
        """Prepare."""
        self.slow = slow
        self.blocks = itertools.count()

    def within(self, spans: Spans) -> float:
        """Return the pace of the next block."""
        assert spans
        return 1.0 if next(self.blocks) in self.slow else 2.0


@pytest.mark.parametrize(
    ("slow", "paces"),
    [({1}, [2.0, 2.0]), (range(1, 10), [2.0, 1.0])],
    ids=["for one block", "for good"],
)
def test_a_block_whose_pace_jumped_is_measured_again(
    bench: Bench, slow: Container[int], paces: list[float]
) -> None:
    """It does not count, unless the pace stays where it is now."""
    bench.meter.pace = SlowedPace(slow)
    launches = [bench.meter.measure(ROW, 1) for _ in paces]
    assert [one.pace for launch in launches for one in launch.blocks] == paces


@pytest.mark.parametrize(
    ("bad", "who"), [(0, "serving-batch, warming up"), (1, "serving-batch")]
)
def test_a_job_that_fails_ends_the_launch(bench: Bench, bad: int, who: str) -> None:
    """The server is stopped."""
    bench.arm.bad = {bad: record(0, error="no answer")}
    with pytest.raises(JobsFailedError, match=f"^{who}: "):
        bench.meter.measure(ROW, 1)
    assert bench.calls[-1] == "row: stop"
