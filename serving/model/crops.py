"""Many different crops of a few images, to calibrate on and to compare on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.model.standalone.images import Picture

_LEAST_SHARE = 0.1  # of the image's area
_ASPECTS = (3 / 4, 4 / 3)


def make_crops(
    images: Sequence[Path], number: int, picture: Picture, *, seed: int
) -> NDArray[np.float32]:
    """Return crops of the images in turn, float32 of shape (number, 3, crop, crop).

    Area, aspect, place and mirroring of each are random, drawn as for training (Szegedy et
    al., "Going deeper with convolutions", CVPR 2015, section 6). The same seed gives the
    same crops.
    """
    rng = np.random.default_rng(seed)
    opened = [_rgb(path) for path in images]
    side = (picture.crop_px, picture.crop_px)
    return np.stack(
        [
            picture.normalised(_crop(opened[place % len(opened)], rng).resize(side))
            for place in range(number)
        ]
    )


def _rgb(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def _crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    area = width * height * rng.uniform(_LEAST_SHARE, 1.0)
    aspect = np.exp(rng.uniform(*np.log(_ASPECTS)))
    wide = min(width, max(1, round(float(np.sqrt(area * aspect)))))
    high = min(height, max(1, round(float(np.sqrt(area / aspect)))))
    left = int(rng.integers(width - wide + 1))
    top = int(rng.integers(height - high + 1))
    cropped = image.crop((left, top, left + wide, top + high))
    if rng.random() < 0.5:  # noqa: PLR2004 -- a fair coin
        return cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return cropped
