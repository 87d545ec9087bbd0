"""Weights from a seed, with which each image gets a different answer.

A network straight from its constructor is useless here: its activations double from block
to block, until one class has the probability 1.0 for every image. No wrong answer would be
noticed. So the convolutions are drawn with He's variance
(https://arxiv.org/abs/1502.01852). Each residual branch is scaled down, which bounds the
sum of many branches (https://arxiv.org/abs/1901.09321). The last layer is fitted to tell
crops of different images apart. The answers then have a margin, as a trained network's do,
and rounding does not change them.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from serving.model.crops import make_crops
from serving.model.standalone.images import Picture
from serving.model.standalone.preprocess import Preprocess

SEED = 20250401
_BRANCH_GAIN = 0.25
_CROPS = 80
_LOGIT_STD, _PEAK = 1.5, 8.0  # the likeliest class then gets a probability of 0.3 to 0.5
_RIDGE = 0.03  # of the mean variance: directions with less variance are hardly used


def seed_weights(model: nn.Module, images: list[Path], pre: Preprocess) -> None:
    """Overwrite the weights of a torchvision ResNet `model` in place.

    The result depends only on `SEED` and the images. It is computed on one thread, so the
    same package versions on the same kind of processor give the same bytes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        generator = torch.Generator().manual_seed(SEED)
        with torch.no_grad():
            _draw_convolutions(model, generator)
            crops = make_crops(images, _CROPS, Picture.of(asdict(pre)), seed=SEED)
            _fit_last_layer(model, torch.from_numpy(crops), len(images), generator)
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


def _fit_last_layer(
    model: nn.Module, crops: torch.Tensor, images: int, generator: torch.Generator
) -> None:
    """Fit the last layer by ridge regression, so that crops of one image get its logits.

    The logits of each image are drawn at random. Ridge regression: Hoerl and Kennard,
    Technometrics 12, 1970. It is solved in the space of the crops, of which there are
    fewer than features.
    """
    last = model.fc
    assert isinstance(last, nn.Linear)
    model.fc = nn.Identity()
    model.eval()
    features = torch.cat([model(crop[None]) for crop in crops]).double()
    model.fc = last
    own = torch.empty(images, last.out_features, dtype=torch.float64)
    own.normal_(0.0, _LOGIT_STD, generator=generator)
    peaks = torch.randperm(last.out_features, generator=generator)[:images]
    own[torch.arange(images), peaks] = _PEAK
    logits = own[torch.arange(len(crops)) % images]
    centre, mean = features.mean(dim=0), logits.mean(dim=0)
    centred = features - centre
    inner = centred @ centred.T
    inner += _RIDGE * inner.diagonal().mean() * torch.eye(len(crops), dtype=torch.float64)
    weight = centred.T @ torch.linalg.solve(inner, logits - mean)
    last.weight.copy_(weight.T)
    last.bias.copy_(mean - centre @ weight)
