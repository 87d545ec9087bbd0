"""The yardstick: how fast this machine runs the model itself, at this moment.

One process a core, each with one thread and the model loaded once: what is left of an
image when server, preprocessing and harness are taken away. It is measured right before
and right after a block, so what slows the machine down shows in both. Its processes do
not wait for one another, so it does not feel where the host has put the cores, which
`perf.corelatency` tells. Between two measurements they sleep.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import NamedTuple

from serving.child import Child, serve
from serving.errors import PerfError

_LOAD_S = 180.0
_RUN_S = 120.0
_WARM_UP_IMAGES = 3
_TARGET_S = 1.5
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Load(NamedTuple):
    """Load `checkpoint`, whose pictures are crops of `crop_px` squared, and warm it up."""

    checkpoint: str
    crop_px: int


class Run(NamedTuple):
    """Run so many images, one by one."""

    images: int


class Yardstick:
    """The processes of one yardstick; `stop` ends them."""

    def __init__(self, checkpoint: str, processes: int, crop_px: int) -> None:
        """Start them, load the model and warm it up; raises ChildError.

        How many images a measurement takes is settled here, so that it takes one to two
        seconds, and is the same all through a run.
        """
        with ExitStack() as stack:
            self._children: list[Child] = []
            for _ in range(processes):
                self._children.append(Child("perf.jobs.yardstick", _ONE_THREAD))
                stack.callback(self._children[-1].stop)
            self._all(Load(checkpoint, crop_px), _LOAD_S)
            one_s = max(self._all(Run(1), _RUN_S))
            self._images = max(1, round(_TARGET_S / one_s))
            self._stack = stack.pop_all()

    @property
    def pids(self) -> tuple[int, ...]:
        """The roots of its process trees."""
        return tuple(child.pid for child in self._children)

    def measure_rps(self) -> float:
        """Return images a second, all processes at once; raises ChildError."""
        try:
            took_s = self._all(Run(self._images), _RUN_S)
        except PerfError:
            self.stop()  # or a late answer would be taken for the next one
            raise
        return sum(self._images / of_one_s for of_one_s in took_s)

    def stop(self) -> None:
        """End the processes."""
        self._stack.close()

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

    loaded: list[tuple[torch.jit.ScriptModule, torch.Tensor]] = []

    def run(images: int) -> float:
        module, picture = loaded[-1]
        begun_s = time.monotonic()
        with torch.no_grad():
            for _ in range(images):
                module(picture)
        return time.monotonic() - begun_s

    def answer(request: object) -> float:
        if isinstance(request, Load):
            torch.set_num_threads(1)
            module = torch.jit.load(request.checkpoint, map_location="cpu").eval()
            picture = torch.rand(1, 3, request.crop_px, request.crop_px)
            loaded.append((module, picture))
            return run(_WARM_UP_IMAGES)
        assert isinstance(request, Run)
        return run(request.images)

    serve(answer)


if __name__ == "__main__":
    # Requests are pickled under the module's own name.
    from perf.jobs.yardstick import main as importable_main

    importable_main()
