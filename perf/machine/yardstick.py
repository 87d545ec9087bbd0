"""The yardstick: how fast this machine computes a scenario's model alone, at this moment.

It has as many processes, threads and images in a batch as the scenario's server, and each
process loads the model once. So it does what the server does for an image, without server,
preprocessing and harness. For a scenario whose jobs load the model, a fresh process of the
yardstick loads it for every image.

It is measured directly before and after a block, so whatever slows the model slows both:

- Another program that needs much memory slows a batch of eight more than single images.
- A host that is slow to provide memory slows the loading of a model.
- A host that moves two virtual cores apart slows a model on two threads.

Between two measurements the processes sleep.

The processes are started again with every launch of the server. Of two processes that do
the same, one can be slower for as long as it lives. The main cause is memory that is
returned to the system and requested again, so the processes keep their memory.

The processes run `perf.machine.yardstick_process`.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from perf.machine.layout import Layout
from perf.machine.yardstick_process import BatchTimes, LoadModel, RunBatches
from serving.child import Child
from serving.device import Device
from serving.engines import Engine
from serving.environment import computing
from serving.errors import PerfError

_LOAD_S = 180.0
_RUN_S = 120.0
_TARGET_S = 1.5
_TIMED_S = 0.1  # a shorter time does not predict how long the next batches take


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
        """Start the processes, load the model and warm it up; raises ChildError.

        `path` is a checkpoint or, with an `engine`, the folder that the engine reads. The
        number of batches of a measurement is chosen here and stays the same from then on.
        It is chosen so that a measurement takes about 1.5 seconds, and is at least one.
        """
        self._model = LoadModel(path, crop_px, layout, engine, device)
        self._images = 0
        self._cpu_s = 0.0
        self._launch()
        try:
            self._batches = self._batches_for_target()
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
        """End the processes and start new ones; raises ChildError."""
        self.stop()
        self._launch()

    def measure_rps(self) -> float:
        """Return the throughput of all processes together, in images a second.

        Raises ChildError.
        """
        try:
            times = self._ask_all(RunBatches(self._batches), _RUN_S)
        except PerfError:
            self.stop()  # a late answer would be taken for that of the next measurement
            raise
        images = self._batches * self._model.layout.batch_size
        self._images += images * len(times)
        self._cpu_s += sum(of_one.cpu_s for of_one in times)
        return sum(images / of_one.wall_s for of_one in times)

    def stop(self) -> None:
        """End the processes; idempotent."""
        self._stack.close()

    def _launch(self) -> None:
        layout = self._model.layout
        # A process that lives for one image has no memory to keep.
        env = computing(layout.threads, "default" if layout.reload else "retain")
        self._children: list[Child] = []
        with ExitStack() as stack:
            for _ in range(layout.processes):
                self._children.append(Child("perf.machine.yardstick_process", env))
                stack.callback(self._children[-1].stop)
            self._ask_all(self._model, _LOAD_S)
            self._stack = stack.pop_all()

    def _batches_for_target(self) -> int:
        """Return how many batches take about `_TARGET_S` seconds."""
        batches = 1
        while (took_s := self._slowest_s(batches)) < _TIMED_S:
            batches *= 2
        return max(1, round(_TARGET_S * batches / took_s))

    def _slowest_s(self, batches: int) -> float:
        return max(one.wall_s for one in self._ask_all(RunBatches(batches), _RUN_S))

    def _ask_all(
        self, request: LoadModel | RunBatches, timeout_s: float
    ) -> list[BatchTimes]:
        """Send every process the request at once; return their answers."""
        deadline_s = time.monotonic() + timeout_s
        for child in self._children:
            child.send(request)
        answers = [child.receive(deadline_s) for child in self._children]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if isinstance(answer, BatchTimes)]
