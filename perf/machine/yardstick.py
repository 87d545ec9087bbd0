"""The yardstick: how fast this machine runs a scenario's model itself, at this moment.

As many processes, threads and images in a batch as the scenario's server has, each with
the model loaded once: what is left of an image when server, preprocessing and harness are
taken away. Where every job loads the model, so does a fresh process of the yardstick for
every image. It is measured right before and right after a block, so what slows such a pass
down shows in both: another program's hunger for memory, which hurts a batch of eight more
than single pictures; a host that is slow to give memory, which hurts the loading; two cores
that it moves apart, which hurts a pass on two threads. Between two measurements its
processes sleep.

With every launch of the server they are launched anew, for of two processes that do the
same one may be slower for as long as it lives. What makes them differ most is memory that
is given back and asked for again, so they keep theirs.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from serving.child import Child, serve
from serving.device import Device
from serving.engines import Engine
from serving.environment import computing
from serving.errors import PerfError

_LOAD_S = 180.0
_RUN_S = 120.0
_WARM_UP_BATCHES = 3
_TARGET_S = 1.5
_TIMED_S = 0.1  # what is shorter says too little of how long the next one takes


class Layout(NamedTuple):
    """How a model is used: processes, threads of each, images in a batch.

    With `reload` a fresh process loads it for every batch.
    """

    processes: int
    threads: int = 1
    batch_size: int = 1
    reload: bool = False

    def __str__(self) -> str:
        """Return it as a report shows it."""
        return f"{self.processes} x {self.threads} threads, batch {self.batch_size}"


class Load(NamedTuple):
    """Load a model whose pictures are crops of `crop_px` squared, and warm it up.

    `path` is the checkpoint, or the folder that `engine` reads; `device` computes it.
    """

    path: Path
    crop_px: int
    layout: Layout
    engine: Engine | None
    device: Device


class Run(NamedTuple):
    """Run so many batches, one by one."""

    batches: int


class Took(NamedTuple):
    """How long that took, and how much CPU time, of all threads and children."""

    wall_s: float
    cpu_s: float


class Yardstick:
    """The processes of one yardstick; `stop` ends them."""

    def __init__(
        self,
        path: Path,
        crop_px: int,
        layout: Layout,
        engine: Engine | None = None,
        device: Device = "cpu",
    ) -> None:
        """Start them, load the model and warm it up; raises ChildError.

        `path` is a checkpoint or, with an `engine`, the folder that the engine reads. How
        many batches a measurement takes is settled here, so that it takes about 1.5
        seconds, at least one batch, and is the same all through a run.
        """
        self._load = Load(path, crop_px, layout, engine, device)
        self._images = 0
        self._cpu_s = 0.0
        self._launch()
        try:
            self._batches = self._settled()
        except BaseException:
            self.stop()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """The roots of its process trees."""
        return tuple(child.pid for child in self._children)

    @property
    def cpu_ms_per_image(self) -> float | None:
        """CPU time of an image, over all measurements; None before the first."""
        return 1e3 * self._cpu_s / self._images if self._images else None

    def relaunch(self) -> None:
        """End its processes and start others; raises ChildError."""
        self.stop()
        self._launch()

    def measure_rps(self) -> float:
        """Return images a second, all processes at once; raises ChildError."""
        try:
            took = self._all(Run(self._batches), _RUN_S)
        except PerfError:
            self.stop()  # or a late answer would be taken for the next one
            raise
        images = self._batches * self._load.layout.batch_size
        self._images += images * len(took)
        self._cpu_s += sum(of_one.cpu_s for of_one in took)
        return sum(images / of_one.wall_s for of_one in took)

    def stop(self) -> None:
        """End the processes; idempotent."""
        self._stack.close()

    def _launch(self) -> None:
        layout = self._load.layout
        # Where every image has a process of its own, there is nothing to keep.
        env = computing(layout.threads, "default" if layout.reload else "retain")
        self._children: list[Child] = []
        with ExitStack() as stack:
            for _ in range(layout.processes):
                self._children.append(Child("perf.machine.yardstick", env))
                stack.callback(self._children[-1].stop)
            self._all(self._load, _LOAD_S)
            self._stack = stack.pop_all()

    def _settled(self) -> int:
        """Return how many batches take about as long as a measurement should."""
        batches = 1
        while (took_s := self._slowest_s(batches)) < _TIMED_S:
            batches *= 2
        return max(1, round(_TARGET_S * batches / took_s))

    def _slowest_s(self, batches: int) -> float:
        return max(took.wall_s for took in self._all(Run(batches), _RUN_S))

    def _all(self, request: Load | Run, timeout_s: float) -> list[Took]:
        """Ask every process at once; return what it took each."""
        deadline_s = time.monotonic() + timeout_s
        for child in self._children:
            child.send(request)
        answers = [child.receive(deadline_s) for child in self._children]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if isinstance(answer, Took)]


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    batches_of: list[Callable[[], object]] = []

    def run(batches: int) -> Took:
        begun_s, before_s = time.monotonic(), _cpu_s()
        for _ in range(batches):
            batches_of[-1]()
        return Took(time.monotonic() - begun_s, _cpu_s() - before_s)

    def answer(request: object) -> Took:
        if isinstance(request, Load):
            batches_of.append(_batch(request))
            return run(_WARM_UP_BATCHES)
        assert isinstance(request, Run)
        return run(request.batches)

    serve(answer)


def _cpu_s() -> float:
    """Return the CPU time of this process, and of its children that have ended."""
    return sum(os.times()[:4])


def _batch(request: Load) -> Callable[[], object]:
    """Return what runs one batch of random pictures, and loads the model where it must."""
    # Imported where it is used: the measuring process must not load torch. Here rather than
    # below, so that a forked process has it, as a job has.
    import torch  # noqa: F401, PLC0415

    layout = request.layout
    size = (layout.batch_size, 3, request.crop_px, request.crop_px)
    load = _with_engine if request.engine else _with_torch
    if layout.reload:
        return lambda: _in_a_fresh_process(load, request, size)
    return load(request, size)


def _in_a_fresh_process(
    load: Callable[[Load, tuple[int, ...]], Callable[[], object]],
    request: Load,
    size: tuple[int, ...],
) -> None:
    """Load and run in a fork of this process, which has loaded nothing.

    Raises RuntimeError where it fails there.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            load(request, size)()
            code = 0
        except BaseException:  # noqa: BLE001 -- whatever it was, the parent's error shows it
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise RuntimeError(f"a process that loads the model ended with {code}")


def _with_torch(request: Load, size: tuple[int, ...]) -> Callable[[], object]:
    import torch  # noqa: PLC0415

    torch.set_num_threads(request.layout.threads)
    module = torch.jit.load(str(request.path), map_location=request.device).eval()
    pictures = torch.rand(size, device=request.device)

    def run() -> None:
        with torch.no_grad():
            module(pictures).cpu()

    return run


def _with_engine(request: Load, size: tuple[int, ...]) -> Callable[[], object]:
    assert request.engine is not None
    predict = request.engine.load(request.path, request.layout.threads, request.device)
    pictures = np.random.default_rng().random(size, dtype=np.float32)
    return lambda: predict(pictures)


if __name__ == "__main__":
    # Requests are pickled under the module's own name.
    from perf.machine.yardstick import main as importable_main

    importable_main()
