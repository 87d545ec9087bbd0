"""One job that uses a model in memory that all jobs share.

The launcher loads the model once and moves its weights to shared memory, as
torch.multiprocessing does with a tensor that it passes on. Every job is forked from the
launcher and uses the weights where they are.
"""

from __future__ import annotations

import resource
from collections.abc import Callable

import torch

from perf.load.jobs.decentralized import answerer
from perf.load.jobs.targets import LocalModel
from serving.model.operators import import_operators
from serving.work import Answer

_loaded: dict[object, Callable[[str], Answer]] = {}


def prepare(target: object) -> None:
    """Load the model, once; called in the launcher before its jobs are forked."""
    assert isinstance(target, LocalModel)
    if target in _loaded:
        return
    # A thread that computes here would be missing in every forked job, which then waits for
    # it for ever. A job starts its own.
    torch.set_num_threads(1)
    # Each tensor in shared memory holds an open file.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    import_operators(target.checkpoint)
    module = torch.jit.load(target.checkpoint, map_location="cpu").eval()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.share_memory_()
    _loaded[target] = answerer(module, target._replace(device="cpu"))


def run(image: str, target: object) -> Answer:
    """Return the answer for the image file at path `image`."""
    assert isinstance(target, LocalModel)
    torch.set_num_threads(target.threads)
    return _loaded[target](image)
