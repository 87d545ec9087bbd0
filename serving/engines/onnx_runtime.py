"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Or it tells its makers of what is run, and leaves a file in the temporary folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

_MODEL = "model.onnx"


def convert(
    checkpoint: Path,
    variant: str,  # noqa: ARG001 -- as every engine's
    calibration: NDArray[np.float32],
    folder: Path,
) -> None:
    """Export the model as ONNX, the number of pictures in a batch left open."""
    import torch  # noqa: PLC0415 -- not needed where the model is served

    script = torch.jit.load(str(checkpoint), map_location="cpu").eval()
    with warnings.catch_warnings():
        # The newer exporter takes no TorchScript.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            script,
            (torch.from_numpy(calibration[:1]),),
            folder / _MODEL,
            input_names=["pictures"],
            output_names=["logits"],
            dynamic_axes={"pictures": {0: "n"}, "logits": {0: "n"}},
            dynamo=False,
        )


def load(
    folder: Path,
    variant: str,  # noqa: ARG001 -- as every engine's
    threads: int,
    device: str,  # noqa: ARG001 -- as every engine's
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the model as a function from a batch to its logits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that spins while it has nothing to do takes the core from another worker.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(folder / _MODEL), options, providers=["CPUExecutionProvider"]
    )

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, {"pictures": batch})[0]
        return logits

    return predict
