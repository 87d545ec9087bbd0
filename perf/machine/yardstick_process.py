"""One process of the yardstick: it loads a model, and runs batches when it is asked to.

`perf.machine.yardstick` starts it and sends the requests.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from perf.machine.layout import Layout
from serving.child import serve
from serving.device import Device
from serving.engines import Engine

_WARM_UP_BATCHES = 3
_Batch = Callable[[], object]


class LoadModel(NamedTuple):
    """A request: load a model and warm it up."""

    path: Path
    """The checkpoint or, with an `engine`, the folder that the engine reads."""

    crop_px: int
    """The model's images have this height and width, in pixels."""

    layout: Layout
    engine: Engine | None
    device: Device


class RunBatches(NamedTuple):
    """A request: run this many batches, one after the other."""

    batches: int


class BatchTimes(NamedTuple):
    """The answer to either request: how long the batches took together."""

    wall_s: float
    cpu_s: float
    """The CPU time of all threads, and of child processes."""


def main() -> None:
    """Answer requests until the other end closes the pipe."""
    loaded: list[_Batch] = []

    def run(batches: int) -> BatchTimes:
        begun_s, before_s = time.monotonic(), _cpu_s()
        for _ in range(batches):
            loaded[-1]()
        return BatchTimes(time.monotonic() - begun_s, _cpu_s() - before_s)

    def answer(request: object) -> BatchTimes:
        if isinstance(request, LoadModel):
            loaded.append(_batch(request))
            return run(_WARM_UP_BATCHES)
        assert isinstance(request, RunBatches)
        return run(request.batches)

    serve(answer)


def _cpu_s() -> float:
    """Return the CPU time of this process, and of its children that have ended."""
    return sum(os.times()[:4])


def _batch(request: LoadModel) -> _Batch:
    """Return a function that runs one batch of random images.

    It also loads the model where the layout says so; otherwise the model is loaded here.
    """
    # Forked processes find torch imported, as jobs do.
    import torch  # noqa: F401, PLC0415 -- the measuring process must not load torch

    layout = request.layout
    size = (layout.batch_size, 3, request.crop_px, request.crop_px)
    load = _with_engine if request.engine else _with_torch
    if layout.reload:
        return lambda: _in_a_fresh_process(load, request, size)
    return load(request, size)


def _in_a_fresh_process(
    load: Callable[[LoadModel, tuple[int, ...]], _Batch],
    request: LoadModel,
    size: tuple[int, ...],
) -> None:
    """Load the model and run a batch in a fork of this process, which has loaded none.

    Raises RuntimeError where the fork fails.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            load(request, size)()
            code = 0
        except BaseException:  # noqa: BLE001 -- the parent shows whatever it was
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise RuntimeError(f"a process that loads the model ended with {code}")


def _with_torch(request: LoadModel, size: tuple[int, ...]) -> _Batch:
    import torch  # noqa: PLC0415 -- the measuring process must not load torch

    torch.set_num_threads(request.layout.threads)
    module = torch.jit.load(str(request.path), map_location=request.device).eval()
    images = torch.rand(size, device=request.device)

    def run() -> None:
        with torch.no_grad():
            module(images).cpu()

    return run


def _with_engine(request: LoadModel, size: tuple[int, ...]) -> _Batch:
    assert request.engine is not None
    predict = request.engine.load(request.path, request.layout.threads, request.device)
    images = np.random.default_rng().random(size, dtype=np.float32)
    return lambda: predict(images)


if __name__ == "__main__":
    # Pickled requests name this module, so their classes must not come from __main__.
    from perf.machine.yardstick_process import main as importable_main

    importable_main()
