"""torch.export, the way on from TorchScript: compiled ahead of time for this CPU."""

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
    """A model that computes in bfloat16, and is asked and answers in float32."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner.to(torch.bfloat16)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.inner(pictures.to(torch.bfloat16))
        return logits.float()


def convert(
    checkpoint: Path, variant: str, calibration: NDArray[np.float32], folder: Path
) -> None:
    """Export the model, the number of pictures in a batch left open, and compile it.

    For `variant` bf16 with its weights rounded.
    """
    script = torch.jit.load(str(checkpoint), map_location="cpu").eval()
    pictures = torch.from_numpy(calibration[:2])
    with warnings.catch_warnings():
        # It warns of every counter of batches that a trained model no longer needs.
        warnings.simplefilter("ignore", UserWarning)
        model: torch.nn.Module = TS2EPConverter(script, (pictures,)).convert().module()
    if variant == "bf16":
        model = _Half(model)
    n = torch.export.Dim("n", min=1, max=_LARGEST_BATCH)
    with torch.no_grad():
        program = torch.export.export(model, (pictures,), dynamic_shapes=({0: n},))
        aoti_compile_and_package(
            program,
            package_path=str(folder / _MODEL),
            inductor_configs={"freezing": True},
        )


def load(
    folder: Path,
    variant: str,  # noqa: ARG001 -- as every engine's
    threads: int,
    device: str,  # noqa: ARG001 -- as every engine's
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the model as a function from a batch to its logits."""
    torch.set_num_threads(threads)
    model = aoti_load_package(str(folder / _MODEL), run_single_threaded=True)

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(torch.from_numpy(batch)).numpy()
        return logits

    return predict
