"""One job of the decentralised arm, as in the article: load the model, use it once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from perf.load.jobs.targets import LocalModel
from perf.load.record import Classes
from serving.model.predict import predict
from serving.model.standalone.preprocess import Preprocess


def run(image: str, target: object) -> Classes:
    """Return the five likeliest classes for the photograph at path `image`."""
    return load(target)(image)


def load(target: object) -> Callable[[str], Classes]:
    """Load the model; return what answers for a photograph by its path."""
    assert isinstance(target, LocalModel)
    torch.set_num_threads(target.threads)
    module = torch.jit.load(target.checkpoint, map_location=target.device).eval()
    pre = Preprocess.from_json(Path(target.preprocess).read_text("utf-8"))
    return lambda image: predict(module, Path(image), pre, target.device)
