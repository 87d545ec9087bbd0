"""torch.export, the successor of TorchScript: compiled ahead of time for this CPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch._export.converter import TS2EPConverter
from torch._inductor import aoti_compile_and_package, aoti_load_package

_MODEL = "model.pt2"
_LARGEST_BATCH = 1024


class _Half(torch.nn.Module):
    """A model that computes in bfloat16; its input and output are float32."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner.to(torch.bfloat16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.inner(images.to(torch.bfloat16))
        return logits.float()


def convert(
    checkpoint: Path, variant: str, calibration: NDArray[np.float32], folder: Path
) -> None:
    """Export the model for batches of any size, and compile it.

    With `variant` bf16 its weights are rounded to bfloat16.
    """
    script = torch.jit.load(str(checkpoint), map_location="cpu").eval()
    images = torch.from_numpy(calibration[:2])
    with warnings.catch_warnings():
        # It warns about the batch counter of each normalisation layer, which is not used.
        warnings.simplefilter("ignore", UserWarning)
        model: torch.nn.Module = TS2EPConverter(script, (images,)).convert().module()
    if variant == "bf16":
        model = _Half(model)
    n = torch.export.Dim("n", min=1, max=_LARGEST_BATCH)
    with torch.no_grad():
        program = torch.export.export(model, (images,), dynamic_shapes=({0: n},))
        aoti_compile_and_package(
            program,
            package_path=str(folder / _MODEL),
            inductor_configs={"freezing": True},
        )


def load(
    folder: Path,
    variant: str,  # noqa: ARG001 -- every engine takes it
    threads: int,
    device: str,  # noqa: ARG001 -- every engine takes it
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from a batch to its logits."""
    torch.set_num_threads(threads)
    model = aoti_load_package(str(folder / _MODEL), run_single_threaded=True)

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(torch.from_numpy(batch)).numpy()
        return logits

    return predict
