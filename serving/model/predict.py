"""The five likeliest classes of an image, computed in this process."""

from __future__ import annotations

from pathlib import Path

import torch

from serving.model.standalone.preprocess import Preprocess, load_batch

TOP = 5


def predict(
    module: torch.nn.Module, path: Path, pre: Preprocess, device: str = "cpu"
) -> tuple[tuple[int, float], ...]:
    """Return class and probability of the five likeliest classes, likeliest first.

    `device` is where the module's weights are. Raises OSError (PIL.UnidentifiedImageError)
    where the file is not an image.
    """
    with torch.no_grad():
        batch = load_batch([path], pre).to(device)
        probabilities = torch.softmax(module(batch), dim=1)
    values, classes = torch.topk(probabilities[0], TOP)
    return tuple(zip(classes.tolist(), values.tolist(), strict=True))
