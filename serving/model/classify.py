"""From a request's body to a model's input, and from its logits to an answer.

A body is a photograph or, where the client has made the model's input itself, that array as
NumPy writes it. What `preprocess` does with torchvision is done here with Pillow and NumPy
alone, to the bit: a server whose engine is not torch need not load torch to decode a
picture. The file stands alone, because it travels to where the server runs.
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

TOP = 5
_NPY = b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class Picture:
    """Short side to `resize_px`, middle `crop_px` squared, then (x - mean) / std.

    `mean` and `std` are float32 of shape (3, 1, 1), on the scale 0 to 1.
    """

    resize_px: int
    crop_px: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Picture:
        """Return what the preprocess.json of a model says."""
        return cls.of(json.loads(path.read_text("utf-8")))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Picture:
        """Return what such a file holds: resize_px, crop_px, mean and std."""
        mean, std = (
            np.array(raw[name], dtype=np.float32).reshape(3, 1, 1)
            for name in ("mean", "std")
        )
        return cls(raw["resize_px"], raw["crop_px"], mean, std)

    def input_of(self, body: bytes) -> NDArray[np.float32]:
        """Return what a request's body holds, float32 of shape (3, crop, crop).

        Raises OSError where it is no photograph, and ValueError where it is an array, but
        none of that shape.
        """
        if not body.startswith(_NPY):
            return self.array(body)
        array: NDArray[np.float32] = np.load(io.BytesIO(body), allow_pickle=False)
        if array.shape != (3, self.crop_px, self.crop_px) or array.dtype != np.float32:
            raise ValueError(f"an array of {array.dtype}, shape {array.shape}")
        return array

    def array(self, photograph: bytes) -> NDArray[np.float32]:
        """Return one picture, float32 of shape (3, crop, crop).

        Raises OSError (PIL.UnidentifiedImageError) where the bytes are no picture.
        """
        with Image.open(io.BytesIO(photograph)) as opened:
            picture = opened.convert("RGB")
        width, height = picture.size
        short = min(width, height)
        if short != self.resize_px:
            # As torchvision rounds: the long side down.
            size = tuple(int(self.resize_px * side / short) for side in (width, height))
            picture = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        left, top = (round((side - self.crop_px) / 2.0) for side in picture.size)
        picture = picture.crop((left, top, left + self.crop_px, top + self.crop_px))
        return self.normalised(picture)

    def normalised(self, picture: Image.Image) -> NDArray[np.float32]:
        """Return a picture in red, green and blue, float32 of shape (3, height, width)."""
        pixels = np.asarray(picture).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        return np.ascontiguousarray((pixels - self.mean) / self.std)


class Batch:
    """Makes the inputs of a whole batch, on so many threads: Pillow lets go of the lock."""

    def __init__(self, picture: Picture, threads: int) -> None:
        """Start threads where there is more than one; they end with the process."""
        self._picture = picture
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def inputs(self, bodies: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the inputs, float32 of shape (n, 3, crop, crop); raises as `input_of`."""
        run = self._pool.map if self._pool else map
        return np.stack(list(run(self._picture.input_of, bodies)))


def npy(array: NDArray[np.float32]) -> bytes:
    """Return an array as the body of a request."""
    body = io.BytesIO()
    np.save(body, array, allow_pickle=False)
    return body.getvalue()


def top_classes(logits: NDArray[np.float32]) -> dict[str, float]:
    """Return the five likeliest classes and their probabilities, likeliest first.

    `logits` has the shape (classes,).
    """
    weights = np.exp(logits - logits.max())
    likeliest = np.argsort(-weights, kind="stable")[:TOP]
    total = weights.sum()
    return {str(place): float(weights[place] / total) for place in likeliest}
