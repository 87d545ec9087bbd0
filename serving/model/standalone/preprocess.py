"""How TorchServe's handler makes an image the tensor that a model takes: by torchvision.

Jobs use `images`, which gives the same tensor without torchvision. The file is used here
and in the model archive, so its neighbour `torchvision_compat` has two names.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from PIL import Image

_NEIGHBOUR = "torchvision_compat"
# In a model archive there are no packages.
importlib.import_module(f"{__package__}.{_NEIGHBOUR}" if __package__ else _NEIGHBOUR)

from torchvision import transforms  # noqa: E402 -- needs the line above


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How an image becomes an input: resize, crop the centre, then (x - mean) / std.

    The defaults are those of torchvision's models for ImageNet.
    """

    resize_px: int = 256
    """The length of the short side after resizing."""
    crop_px: int = 224
    """Width and height of the crop."""
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Red, green and blue, on the scale 0 to 1."""
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """As `mean`."""

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Preprocess:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            resize_px=raw["resize_px"],
            crop_px=raw["crop_px"],
            mean=tuple(raw["mean"]),
            std=tuple(raw["std"]),
        )


def make_transform(pre: Preprocess) -> Callable[[Image.Image], torch.Tensor]:
    """Return the function from an image to a float32 tensor of shape (3, crop, crop)."""
    steps = [
        transforms.Lambda(_to_rgb),
        transforms.Resize(pre.resize_px),
        transforms.CenterCrop(pre.crop_px),
        transforms.ToTensor(),
        transforms.Normalize(mean=pre.mean, std=pre.std),
    ]
    composed: Callable[[Image.Image], torch.Tensor] = transforms.Compose(steps)
    return composed


def _to_rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGB")
