"""From a request's body to a model's input.

A body is an image file, or the model's input as an array in NumPy's .npy format, where the
client has decoded the image itself. This file needs only Pillow and NumPy, so a server
whose engine is not torch does not load torch, and a job does not load torchvision. Its
result equals that of `preprocess`, which uses torchvision, bit for bit.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_NPY = b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class Picture:
    """How an image becomes an input: resize, crop the centre, then (x - mean) / std."""

    resize_px: int
    """The length of the short side after resizing."""
    crop_px: int
    """Width and height of the crop."""
    mean: NDArray[np.float32]
    """Shape (3, 1, 1): red, green and blue, on the scale 0 to 1."""
    std: NDArray[np.float32]
    """As `mean`."""

    @classmethod
    def read(cls, path: Path) -> Picture:
        """Read a model's preprocess.json."""
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Picture:
        """Make one of the values in such a file: resize_px, crop_px, mean and std."""
        mean, std = (
            np.array(raw[name], dtype=np.float32).reshape(3, 1, 1)
            for name in ("mean", "std")
        )
        return cls(raw["resize_px"], raw["crop_px"], mean, std)

    def input_of(self, body: bytes) -> NDArray[np.float32]:
        """Return the input for a request's body, float32 of shape (3, crop, crop).

        Raises OSError where the body is not an image, and ValueError where it is an array
        of another shape or type.
        """
        if not body.startswith(_NPY):
            return self.array(body)
        array: NDArray[np.float32] = np.load(io.BytesIO(body), allow_pickle=False)
        if array.shape != (3, self.crop_px, self.crop_px) or array.dtype != np.float32:
            raise ValueError(f"an array of {array.dtype}, shape {array.shape}")
        return array

    def array(self, file: bytes) -> NDArray[np.float32]:
        """Return the input for an image file, float32 of shape (3, crop, crop).

        Raises OSError (PIL.UnidentifiedImageError) where the bytes are not an image.
        """
        with Image.open(io.BytesIO(file)) as opened:
            image = opened.convert("RGB")
        width, height = image.size
        short = min(width, height)
        if short != self.resize_px:
            # torchvision rounds the long side down.
            size = tuple(int(self.resize_px * side / short) for side in (width, height))
            image = image.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        left, top = (round((side - self.crop_px) / 2.0) for side in image.size)
        image = image.crop((left, top, left + self.crop_px, top + self.crop_px))
        return self.normalised(image)

    def normalised(self, image: Image.Image) -> NDArray[np.float32]:
        """Return an RGB image as an input, float32 of shape (3, height, width)."""
        pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        return np.ascontiguousarray((pixels - self.mean) / self.std)


class Batch:
    """Makes the inputs of a batch on several threads; Pillow releases Python's lock."""

    def __init__(self, picture: Picture, threads: int) -> None:
        """Start the threads, unless it is only one. They end with the process."""
        self._picture = picture
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def inputs(self, bodies: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the inputs, float32 of shape (n, 3, crop, crop); raises as `input_of`."""
        run = self._pool.map if self._pool else map
        return np.stack(list(run(self._picture.input_of, bodies)))


def npy(array: NDArray[np.float32]) -> bytes:
    """Return an array as a request's body, in NumPy's .npy format."""
    body = io.BytesIO()
    np.save(body, array, allow_pickle=False)
    return body.getvalue()
