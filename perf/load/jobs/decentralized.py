"""One job of the decentralised arm, as in the article: load the model, use it once."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import torch

from perf.load.jobs.targets import LocalModel
from serving.model.operators import import_operators
from serving.model.predict import logits_of
from serving.model.standalone.images import Picture
from serving.work import Answer


def prepare(target: object) -> None:
    """Import what the model needs, before jobs are forked."""
    assert isinstance(target, LocalModel)
    import_operators(target.checkpoint)


def run(image: str, target: object) -> Answer:
    """Return the answer for the image file at path `image`."""
    return load(target)(image)


def load(target: object) -> Callable[[str], Answer]:
    """Load the model; return a function from the path of an image to its answer."""
    assert isinstance(target, LocalModel)
    import_operators(target.checkpoint)
    torch.set_num_threads(target.threads)
    module = torch.jit.load(target.checkpoint, map_location=target.device).eval()
    return answerer(module, target)


def answerer(module: torch.nn.Module, target: LocalModel) -> Callable[[str], Answer]:
    """Return a function from the path of an image to its answer by a loaded model."""
    picture = Picture.read(Path(target.preprocess))
    work = importlib.import_module(target.work)

    def answer(image: str) -> Answer:
        logits = logits_of(module, Path(image), picture, target.device)
        return work.parse(work.answer(logits))

    return answer
