"""Weights from a seed, for networks whose answers must be told apart.

A network straight from its constructor is useless here: its activations double from
block to block until the softmax gives one class the probability 1.0 for every picture,
and no wrong answer would ever be noticed. So the convolutions are drawn with He's
variance (https://arxiv.org/abs/1502.01852), each residual branch is damped, which keeps
the sum of many branches bounded (https://arxiv.org/abs/1901.09321), and the last layer
is fitted so that each calibration picture gets logits of its own.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from serving.model.preprocess import Preprocess, make_transform

SEED = 20250401
_BRANCH_GAIN = 0.25
_LOGIT_STD = 2.5  # the likeliest of 1,000 classes then gets a probability of about 0.2


def seed_weights(model: nn.Module, photographs: list[Path], pre: Preprocess) -> None:
    """Overwrite the weights of a torchvision ResNet `model` in place.

    The result depends on `SEED` and the photographs alone; it is computed on one thread,
    so that it is the same to the byte for the same versions on the same processor.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        generator = torch.Generator().manual_seed(SEED)
        with torch.no_grad():
            _draw_convolutions(model, generator)
            _fit_last_layer(model, _calibration_batch(photographs, pre), generator)
    finally:
        torch.set_num_threads(threads)


def _draw_convolutions(model: nn.Module, generator: torch.Generator) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size)
            module.weight.normal_(0.0, math.sqrt(2.0 / fan_out), generator=generator)
        for name in ("bn3", "bn2"):  # the last normalisation of a residual branch
            last = getattr(module, name, None)
            if isinstance(last, nn.BatchNorm2d):
                last.weight.fill_(_BRANCH_GAIN)
                break


def _calibration_batch(photographs: list[Path], pre: Preprocess) -> torch.Tensor:
    """Return each photograph and its four quadrants, shape (5 * n, 3, crop, crop)."""
    transform = make_transform(pre)
    tensors = []
    for path in photographs:
        with Image.open(path) as picture:
            half_w, half_h = picture.width // 2, picture.height // 2
            tensors.append(transform(picture))
            tensors += [
                transform(picture.crop((x, y, x + half_w, y + half_h)))
                for x in (0, half_w)
                for y in (0, half_h)
            ]
    return torch.stack(tensors)


def _fit_last_layer(
    model: nn.Module, pictures: torch.Tensor, generator: torch.Generator
) -> None:
    last = model.fc
    assert isinstance(last, nn.Linear)
    model.fc = nn.Identity()
    model.eval()
    features = torch.cat([model(picture[None]) for picture in pictures]).double()
    model.fc = last
    logits = torch.empty(len(pictures), last.out_features, dtype=torch.float64)
    logits.normal_(0.0, _LOGIT_STD, generator=generator)
    centre = features.mean(dim=0)
    weight = torch.linalg.pinv(features - centre) @ (logits - logits.mean(dim=0))
    last.weight.copy_(weight.T)
    last.bias.copy_(logits.mean(dim=0) - centre @ weight)
