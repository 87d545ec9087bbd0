"""Fake arms, instruments and baselines, and a way to wait for a condition."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil

from perf.experiment.answers import Counts, Expected
from perf.experiment.arms import MeasuredBlock
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM, Instruments
from perf.experiment.workload import Workload
from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity
from perf.load.pools.base import BlockRun, OnRecord
from perf.load.record import BlockTotals, JobRecord
from perf.machine.interference import Conditions, Watch
from perf.machine.pace_process import Spans
from perf.machine.usage import BlockUsage, Monitor
from serving.work.classification import Top

IMAGE = "kitten.jpg"
TOP: Top = ((281, 0.5), (282, 0.25), (285, 0.125), (287, 0.0625), (761, 0.03125))
PREDICTIONS = {IMAGE: TOP}
EXPECTED = Expected(predictions=PREDICTIONS)
RECORDED = "2026-01-02T03:04:05"
IDENTITY = Identity(
    machine_class="x86_64-2cpu-avx512-16to32GiB",
    runtime="process",
    model={"name": "resnet152", "weights": "seeded"},
    spec={"workers": 1, "batch_size": 8, "images": 1},
    versions={"torch": "2", "python": "3"},
)
# The preprocessing of a ResNet, as the file beside a model has it.
RESNET = json.dumps(
    {
        "resize_px": 256,
        "crop_px": 224,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }
)
PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.01


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return once `holds` returns True; fail if it does not within a minute."""
    limit_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < limit_s, f"waited in vain: {what}"
        time.sleep(_LOOK_EVERY_S)


def ended(pid: int) -> bool:
    """Return whether a process has ended; a zombie counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def record(image: int, *, answer: Top = TOP, error: str = "") -> JobRecord:
    """Return the record of a job that took no time."""
    return JobRecord(image, 0.0, 0.0, 0.0, 0.0, () if error else answer, error)


class FakeArm:
    """An arm that logs each call in `diary`. Each image takes `image_s` seconds.

    `bad` gives the record of the first job of a block, by the number of the block from 0.
    """

    def __init__(
        self, name: str, diary: list[str], *, block_images: int, image_s: float
    ) -> None:
        self.workload = Workload([IMAGE], block_images, 2, 60.0, EXPECTED)
        self.bad: dict[int, JobRecord] = {}
        self._name = name
        self._diary = diary
        self._image_s = image_s
        self._blocks = 0

    @property
    def slots(self) -> int:
        """How many jobs run at a time."""
        return self.workload.slots

    @property
    def block_images(self) -> int:
        """How many images a block has."""
        return self.workload.block_images

    def begin_relaunch(self) -> None:
        """Do nothing."""

    def relaunch(self) -> None:
        """Log the call."""
        self._diary.append(f"{self._name}: relaunch")

    def warm_up(self) -> MeasuredBlock:
        """Return a block of as many images as slots."""
        return self._run(self.workload.slots, None)

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Return a block in which each job answered correctly, except those in `bad`."""
        return self._run(self.workload.block_images, on_record)

    def check(self, block: MeasuredBlock) -> Counts:
        """Compare the answers with the expected ones."""
        counts = Counts()
        counts.add(block.run.records, block.images, EXPECTED)
        return counts

    def _run(self, images: int, on_record: OnRecord | None) -> MeasuredBlock:
        chosen = self.workload.take(images)
        self._diary.append(f"{self._name}: {len(chosen)} images")
        records = [record(n) for n in range(len(chosen))]
        if self._blocks in self.bad:
            records[0] = self.bad[self._blocks]
        self._blocks += 1
        for one in records:
            if on_record:
                on_record(one)
        totals = BlockTotals(0.0, self._image_s * len(chosen), 0.0, 0.0)
        return MeasuredBlock(BlockRun(tuple(records), totals), chosen)

    def observed(self) -> Mapping[str, int | str]:
        """Log the call."""
        self._diary.append(f"{self._name}: observed")
        return {"of": self._name}

    def job_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def server_pids(self) -> tuple[int, ...]:
        """Return an id that no process has: minus the length of the name."""
        return (-len(self._name),)

    def host_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def log_tail(self) -> str:
        """Return one line that names the arm."""
        return f"the log of the {self._name}"

    def stop(self) -> None:
        """Log the call."""
        self._diary.append(f"{self._name}: stop")


class FakeMonitor:
    """A monitor that logs when it would measure."""

    def __init__(self, arm: str, diary: list[str]) -> None:
        self._arm = arm
        self._diary = diary

    @contextmanager
    def measuring(self, _clock: object = None) -> Iterator[BlockUsage]:
        """Log the start and the end."""
        self._diary.append(f"{self._arm}: measure")
        yield BlockUsage(cpu_s=1.0, memory_bytes=1000)
        self._diary.append(f"{self._arm}: measured")


class FakeWatch:
    """A watch that keeps the idle processes of each block. Block n takes n seconds."""

    def __init__(self) -> None:
        self.idle: list[tuple[int, ...]] = []

    @contextmanager
    def block(self, idle_arm: Iterable[int] = ()) -> Iterator[list[Conditions]]:
        """Yield a list that receives the conditions of the block at its end."""
        self.idle.append(tuple(idle_arm))
        found: list[Conditions] = []
        yield found
        found.append(
            Conditions(
                duration_s=float(len(self.idle)),
                own_s=0.0,
                foreign_s=0.0,
                stolen_s=0.0,
                throttled_s=0.0,
            )
        )


class FakeGauge:
    """A yardstick that logs each measurement and returns its readings in turn."""

    def __init__(self, diary: list[str], readings: Sequence[float]) -> None:
        self._diary = diary
        self._readings = itertools.cycle(readings)

    @property
    def cpu_ms_per_image(self) -> float | None:
        """None, because this yardstick computes nothing."""
        return None

    def relaunch(self) -> None:
        """Log the call."""
        self._diary.append("yardstick: relaunch")

    def measure_rps(self) -> float:
        """Return the next reading; the first one follows the last."""
        self._diary.append("yardstick")
        return next(self._readings)


class FakePace:
    """A pace that is as high as the spans are long together."""

    cpu_percent = 1.5

    def within(self, spans: Spans) -> float | None:
        """Return the length of the spans, in seconds."""
        return sum(end_s - begin_s for begin_s, end_s in spans)


def fake_instruments(
    diary: list[str],
    *,
    yardstick_rps: Sequence[float] = (10.0,),
) -> Instruments:
    """Return instruments that log in `diary`; the yardstick has these readings."""
    return Instruments(
        monitors={
            arm: cast("Monitor", FakeMonitor(arm, diary))
            for arm in (SCENARIO_ARM, REFERENCE_ARM)
        },
        watch=cast("Watch", FakeWatch()),
        yardstick=FakeGauge(diary, yardstick_rps) if yardstick_rps else None,
        pace=FakePace(),
    )


def pairs_of(
    *ratios: float,
    launches: int = 1,
    pace: float | None = 1.0,
) -> list[dict[str, object]]:
    """Return pairs as they are stored, with these ratios, in equal parts a launch."""
    return [
        {
            "scenario": {"rps": 2 * ratio, "pace": pace},
            "reference": {"rps": 2.0, "pace": pace},
            "launch": place * launches // len(ratios),
        }
        for place, ratio in enumerate(ratios)
    ]


def entry(
    name: str = "serving-batch",
    identity: Identity = IDENTITY,
    pairs: Sequence[Mapping[str, object]] = (),
    about: Mapping[str, str] | None = None,
    runs: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Return the `extra_info` of the benchmark of a scenario."""
    stored = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "identity": identity.model_dump(mode="json"),
        "about": dict(about or {}),
        "pairs": list(pairs) or pairs_of(3.0, 3.0),
        "runs": list(runs),
        "seed": 7,
    }
    return {EXTRA: stored}


def write_baseline(
    folder: Path,
    name: str,
    *extra_infos: object,
    platform: str = "Linux-CPython-3.11-64bit",
) -> Path:
    """Write a file as pytest-benchmark saves it, and return its path."""
    path = folder / platform / name
    path.parent.mkdir(parents=True, exist_ok=True)
    benchmarks = [{"name": "test_throughput", "extra_info": x} for x in extra_infos]
    result = {"benchmarks": benchmarks, "datetime": RECORDED, "version": "5.3.1"}
    path.write_text(json.dumps(result), "utf-8")
    return path
