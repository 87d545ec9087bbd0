"""The yardstick runs the model as its layout says, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from perf.machine.layout import Layout
from perf.machine.yardstick import Yardstick
from serving.child import ChildError
from serving.model.artifacts import Artifacts
from tests.support.fakes import ended, wait_until

ROOT = Path(__file__).parents[3]
TWO = Layout(processes=2)

# Starts a yardstick, prints the ids of its processes, and waits to be killed.
_PARENT = """
import signal, sys
from pathlib import Path
from perf.machine.layout import Layout
from perf.machine.yardstick import Yardstick
yardstick = Yardstick(Path(sys.argv[1]), int(sys.argv[2]), Layout(2))
print(*yardstick.pids, flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def model(artifacts: Callable[[str], Artifacts]) -> tuple[Path, int]:
    """The checkpoint of a real model, and the size of its images."""
    made = artifacts("resnet18")
    crop_px = json.loads(made.preprocess.read_text("utf-8"))["crop_px"]
    return made.checkpoint, int(crop_px)


@pytest.fixture(scope="module")
def yardstick(model: tuple[Path, int]) -> Iterator[Yardstick]:
    """A yardstick of two processes, for all tests that do not change it."""
    checkpoint, crop_px = model
    made = Yardstick(checkpoint, crop_px, TWO)
    yield made
    made.stop()


@pytest.fixture
def own_yardstick(model: tuple[Path, int]) -> Iterator[Yardstick]:
    """A yardstick of one process that a test may end."""
    checkpoint, crop_px = model
    made = Yardstick(checkpoint, crop_px, Layout(1, threads=2, batch_size=4))
    yield made
    made.stop()


def test_it_measures_a_throughput(yardstick: Yardstick) -> None:
    """A real model has a throughput above zero."""
    assert yardstick.measure_rps() > 0.0


def test_it_has_the_processes_of_its_layout(yardstick: Yardstick) -> None:
    """It has as many processes as asked for, each a child of this one."""
    assert len(set(yardstick.pids)) == TWO.processes
    assert {psutil.Process(pid).ppid() for pid in yardstick.pids} == {os.getpid()}


def test_it_has_the_threads_of_its_layout(
    yardstick: Yardstick, own_yardstick: Yardstick
) -> None:
    """A process with two threads keeps two busy, a process with one keeps one busy."""
    assert _busy_threads(own_yardstick) == 2
    assert _busy_threads(yardstick) == 1


def test_a_batch_counts_as_its_images(model: tuple[Path, int]) -> None:
    """Batches of eight have about the same throughput, in images, as single images."""
    checkpoint, crop_px = model
    rates = []
    for batch_size in (1, 8):
        made = Yardstick(checkpoint, crop_px, Layout(1, batch_size=batch_size))
        rates.append(made.measure_rps())
        made.stop()
    assert 0.4 < rates[1] / rates[0] < 4.0


def test_a_model_that_is_loaded_for_every_image_takes_longer(
    model: tuple[Path, int], yardstick: Yardstick
) -> None:
    """With `reload`, the time to load the model is part of the measurement."""
    checkpoint, crop_px = model
    loading = Yardstick(checkpoint, crop_px, TWO._replace(reload=True))
    assert loading.measure_rps() < 0.9 * yardstick.measure_rps()
    loading.stop()


def test_between_measurements_it_sleeps(yardstick: Yardstick) -> None:
    """After a measurement, all its threads sleep."""
    yardstick.measure_rps()
    wait_until(lambda: _states(yardstick.pids) == {"S"}, "all of them sleep")


def test_a_damaged_checkpoint_is_an_error(tmp_path: Path, model: tuple[Path, int]) -> None:
    """The error contains the reason from the process's log."""
    checkpoint, crop_px = model
    whole = Path(checkpoint).read_bytes()
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ChildError, match=r"(?s)yardstick_process died.*PytorchStreamReader"
    ):
        Yardstick(damaged, crop_px, TWO)


def test_a_process_that_dies_is_an_error(own_yardstick: Yardstick) -> None:
    """If a process dies, the measurement raises and does not return a lower throughput."""
    (pid,) = own_yardstick.pids
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ChildError, match=r"perf\.machine\.yardstick_process died"):
        own_yardstick.measure_rps()


def test_a_relaunch_starts_new_processes(own_yardstick: Yardstick) -> None:
    """The old processes end, and a measurement has as many batches as before."""
    before, batches = own_yardstick.pids, own_yardstick._batches
    own_yardstick.relaunch()
    assert not {*before} & {*own_yardstick.pids}
    assert all(ended(pid) for pid in before)
    assert own_yardstick.measure_rps() > 0.0
    assert own_yardstick._batches == batches


def test_stop_ends_its_processes(own_yardstick: Yardstick) -> None:
    """The processes end with `stop`, which may be called again."""
    pids = own_yardstick.pids
    own_yardstick.stop()
    own_yardstick.stop()
    assert all(ended(pid) for pid in pids)


def test_our_own_death_ends_its_processes(model: tuple[Path, int]) -> None:
    """If the process that started the yardstick is killed, its processes end too."""
    command = [sys.executable, "-c", _PARENT, *map(str, model)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == TWO.processes
    wait_until(lambda: all(ended(pid) for pid in pids), "all processes end")


def _busy_threads(yardstick: Yardstick) -> int:
    """Return how many threads of the first process are busy during a measurement."""
    (pid, *_) = yardstick.pids

    def used_s() -> dict[int, float]:
        threads = psutil.Process(pid).threads()
        return {thread.id: thread.user_time for thread in threads}

    before_s = used_s()
    yardstick.measure_rps()
    spent_s = [now_s - before_s.get(tid, 0.0) for tid, now_s in used_s().items()]
    return sum(spent > 0.2 * max(spent_s) for spent in spent_s)


def _states(pids: tuple[int, ...]) -> set[str]:
    """Return the one-letter states of all threads (proc_pid_stat(5))."""
    found = set()
    for pid in pids:
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            found.add(stat.read_text("utf-8").rpartition(")")[2].split()[0])
    return found
