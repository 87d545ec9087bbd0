"""The model's output for an image, computed in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from serving.model.standalone.images import Picture


def logits_of(
    module: torch.nn.Module, path: Path, picture: Picture, device: str = "cpu"
) -> NDArray[np.float32]:
    """Return what the model computes for an image: float32, for a classifier (classes,).

    `device` is where the module's weights are. Raises OSError (PIL.UnidentifiedImageError)
    where the file is not an image, and TypeError where the model returns no tensor.
    """
    # Stacked, so that the memory is aligned as torch's own, and as the server's is.
    batch = torch.stack([torch.from_numpy(picture.array(path.read_bytes()))])
    with torch.no_grad():
        output = module(batch.to(device))
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"it returns a {type(output).__name__}, not a tensor")
    logits: NDArray[np.float32] = output[0].float().cpu().numpy()
    return logits
