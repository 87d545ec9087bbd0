"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Telemetry is on by default and leaves a file in the temporary folder; switch it off.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

_MODEL = "model.onnx"


def convert(
    checkpoint: Path,
    variant: str,  # noqa: ARG001 -- every engine takes it
    calibration: NDArray[np.float32],
    folder: Path,
) -> None:
    """Export the model as ONNX, for batches of any size."""
    import torch  # noqa: PLC0415 -- missing where the model is served

    script = torch.jit.load(str(checkpoint), map_location="cpu").eval()
    with warnings.catch_warnings():
        # The newer exporter does not take TorchScript.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            script,
            (torch.from_numpy(calibration[:1]),),
            folder / _MODEL,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}},
            dynamo=False,
        )


def load(
    folder: Path,
    variant: str,  # noqa: ARG001 -- every engine takes it
    threads: int,
    device: str,  # noqa: ARG001 -- every engine takes it
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from a batch to its logits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An idle thread that spins takes a core from another worker.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(folder / _MODEL), options, providers=["CPUExecutionProvider"]
    )

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, {"images": batch})[0]
        return logits

    return predict
