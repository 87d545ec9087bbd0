"""TorchScript: as in the article, frozen and optimised, or in bfloat16."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

_MODEL = "model.pt"


def convert(
    checkpoint: Path,
    variant: str,  # noqa: ARG001 -- every engine takes it
    calibration: NDArray[np.float32],  # noqa: ARG001 -- every engine takes it
    folder: Path,
) -> None:
    """Copy the checkpoint; torch optimises it when it is loaded."""
    shutil.copyfile(checkpoint, folder / _MODEL)


def load(
    folder: Path, variant: str, threads: int, device: str
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from a batch to its logits.

    `variant` is empty, frozen or bf16; `device` is cpu, or cuda for the first card.
    """
    torch.set_num_threads(threads)
    module = torch.jit.load(str(folder / _MODEL), map_location=device).eval()
    if variant:
        # Convolutions are fastest with the channels of a pixel side by side.
        module = torch.jit.freeze(module.to(memory_format=torch.channels_last))
    if variant == "frozen":
        module = torch.jit.optimize_for_inference(module)

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        images = torch.from_numpy(batch).to(device)
        if variant:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), _autocast(variant, device):
            logits: NDArray[np.float32] = module(images).float().cpu().numpy()
        return logits

    return predict


def _autocast(variant: str, device: str) -> contextlib.AbstractContextManager[object]:
    if variant == "bf16":
        return torch.autocast(device, dtype=torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()
