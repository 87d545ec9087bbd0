"""The yardstick: how fast this machine runs a scenario's model itself, at this moment.

As many processes, threads and images in a batch as the scenario's server has, each with
the model loaded once: what is left of an image when server, preprocessing and harness are
taken away. Where every job loads the model, so does a fresh process of the yardstick for
every image. It is measured right before and right after a block, so what slows such a pass
down shows in both: another program's hunger for memory, which hurts a batch of eight more
than single pictures; a host that is slow to give memory, which hurts the loading; two cores
that it moves apart, which hurts a pass on two threads. Between two measurements its
processes sleep.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from serving.child import Child, serve
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


class Load(NamedTuple):
    """Load `checkpoint`, whose pictures are crops of `crop_px` squared, and warm it up."""

    checkpoint: str
    crop_px: int
    layout: Layout


class Run(NamedTuple):
    """Run so many batches, one by one."""

    batches: int


class Yardstick:
    """The processes of one yardstick; `stop` ends them."""

    def __init__(self, checkpoint: str, crop_px: int, layout: Layout) -> None:
        """Start them, load the model and warm it up; raises ChildError.

        How many batches a measurement takes is settled here, so that it takes about 1.5
        seconds, at least one batch, and is the same all through a run.
        """
        self._batch_size = layout.batch_size
        threads = str(layout.threads)
        env = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        with ExitStack() as stack:
            self._children: list[Child] = []
            for _ in range(layout.processes):
                self._children.append(Child("perf.jobs.yardstick", env))
                stack.callback(self._children[-1].stop)
            self._all(Load(checkpoint, crop_px, layout), _LOAD_S)
            self._batches = self._settled()
            self._stack = stack.pop_all()

    @property
    def pids(self) -> tuple[int, ...]:
        """The roots of its process trees."""
        return tuple(child.pid for child in self._children)

    def measure_rps(self) -> float:
        """Return images a second, all processes at once; raises ChildError."""
        try:
            took_s = self._all(Run(self._batches), _RUN_S)
        except PerfError:
            self.stop()  # or a late answer would be taken for the next one
            raise
        images = self._batches * self._batch_size
        return sum(images / of_one_s for of_one_s in took_s)

    def stop(self) -> None:
        """End the processes."""
        self._stack.close()

    def _settled(self) -> int:
        """Return how many batches take about as long as a measurement should."""
        batches = 1
        while (took_s := max(self._all(Run(batches), _RUN_S))) < _TIMED_S:
            batches *= 2
        return max(1, round(_TARGET_S * batches / took_s))

    def _all(self, request: Load | Run, timeout_s: float) -> list[float]:
        """Ask every process at once; return how long each took, in seconds."""
        deadline_s = time.monotonic() + timeout_s
        for child in self._children:
            child.send(request)
        answers = [child.receive(deadline_s) for child in self._children]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if isinstance(answer, float)]


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    # Imported where it is used: the measuring process must not load torch.
    import torch  # noqa: PLC0415

    loaded: list[tuple[Load, torch.jit.ScriptModule | None, torch.Tensor]] = []

    def read(checkpoint: str) -> torch.jit.ScriptModule:
        module: torch.jit.ScriptModule = torch.jit.load(checkpoint, map_location="cpu")
        return module.eval()

    def run(batches: int) -> float:
        request, module, pictures = loaded[-1]
        begun_s = time.monotonic()
        with torch.no_grad():
            for _ in range(batches):
                if request.layout.reload:
                    _in_a_fresh_process(lambda: read(request.checkpoint)(pictures))
                else:
                    assert module is not None
                    module(pictures)
        return time.monotonic() - begun_s

    def answer(request: object) -> float:
        if isinstance(request, Load):
            torch.set_num_threads(request.layout.threads)
            size = (request.layout.batch_size, 3, request.crop_px, request.crop_px)
            # What a forked process is to load must not be there already.
            module = None if request.layout.reload else read(request.checkpoint)
            loaded.append((request, module, torch.rand(size)))
            return run(_WARM_UP_BATCHES)
        assert isinstance(request, Run)
        return run(request.batches)

    serve(answer)


def _in_a_fresh_process(run: Callable[[], object]) -> None:
    """Run it in a fork of this process; raises RuntimeError where it fails there."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run()
            code = 0
        except BaseException:  # noqa: BLE001 -- whatever it was, the parent's error shows it
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise RuntimeError(f"a process that loads the model ended with {code}")


if __name__ == "__main__":
    # Requests are pickled under the module's own name.
    from perf.jobs.yardstick import main as importable_main

    importable_main()
