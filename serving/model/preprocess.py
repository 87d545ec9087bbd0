"""From the bytes of a photograph to the tensor that a model takes: one way for both arms.

The file also travels inside the model archive: it imports nothing of this project
but its neighbour `torchvision_compat`, by whichever of its two names is there.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

# The neighbour's name inside a model archive, where every file lies flat.
_ARCHIVED = "torchvision_compat"
importlib.import_module(f"{__package__}.{_ARCHIVED}" if __package__ else _ARCHIVED)

from torchvision import transforms  # noqa: E402 -- only importable after the line above


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resize the short side to `resize_px`, crop to `crop_px` squared, normalise.

    `mean` and `std` have one entry for each of red, green and blue, on the scale 0 to 1.
    """

    resize_px: int = 256
    crop_px: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

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
    """Return the function from a picture to a float32 tensor of shape (3, crop, crop)."""
    steps = [
        transforms.Lambda(_to_rgb),
        transforms.Resize(pre.resize_px),
        transforms.CenterCrop(pre.crop_px),
        transforms.ToTensor(),
        transforms.Normalize(mean=pre.mean, std=pre.std),
    ]
    composed: Callable[[Image.Image], torch.Tensor] = transforms.Compose(steps)
    return composed


def load_batch(paths: Sequence[Path], pre: Preprocess) -> torch.Tensor:
    """Return the pictures as one float32 tensor of shape (len(paths), 3, crop, crop).

    Raises OSError (PIL.UnidentifiedImageError) where a file is no picture.
    """
    transform = make_transform(pre)
    tensors = []
    for path in paths:
        with Image.open(path) as picture:
            tensors.append(transform(picture))
    return torch.stack(tensors)


def _to_rgb(picture: Image.Image) -> Image.Image:
    return picture.convert("RGB")
