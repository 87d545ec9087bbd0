"""One job on a model that is in memory already, shared with all other jobs.

The launcher loads it once and moves its weights to shared memory, as torch.multiprocessing
does with a tensor that is handed on; a job is forked from there and uses them as they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from perf.load.jobs.targets import LocalModel
from perf.load.record import Classes
from serving.model.predict import predict
from serving.model.standalone.preprocess import Preprocess

_loaded: dict[object, Callable[[str], Classes]] = {}


def prepare(target: object) -> None:
    """Load the model, once; called in the launcher before its jobs are forked."""
    assert isinstance(target, LocalModel)
    if target in _loaded:
        return
    module = torch.jit.load(target.checkpoint, map_location="cpu").eval()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.share_memory_()
    pre = Preprocess.from_json(Path(target.preprocess).read_text("utf-8"))
    _loaded[target] = lambda image: predict(module, Path(image), pre)


def run(image: str, target: object) -> Classes:
    """Return the five likeliest classes for the photograph at path `image`."""
    assert isinstance(target, LocalModel)
    torch.set_num_threads(target.threads)
    return _loaded[target](image)
