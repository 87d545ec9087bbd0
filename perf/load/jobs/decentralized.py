"""One job of the decentralised arm, as in the article: load the model, use it once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import torch

from perf.load.jobs.targets import LocalModel
from serving.model.predict import logits_of
from serving.model.standalone.preprocess import Preprocess
from serving.work import Answer


def run(image: str, target: object) -> Answer:
    """Return the answer for the image file at path `image`."""
    return load(target)(image)


def load(target: object) -> Callable[[str], Answer]:
    """Load the model; return a function from the path of an image to its answer."""
    assert isinstance(target, LocalModel)
    torch.set_num_threads(target.threads)
    module = torch.jit.load(target.checkpoint, map_location=target.device).eval()
    return answerer(module, target)


def answerer(module: torch.nn.Module, target: LocalModel) -> Callable[[str], Answer]:
    """Return a function from the path of an image to its answer by a loaded model."""
    pre = Preprocess.from_json(Path(target.preprocess).read_text("utf-8"))
    work = importlib.import_module(target.work)

    def answer(image: str) -> Answer:
        return work.parse(work.answer(logits_of(module, Path(image), pre, target.device)))

    return answer
