"""OpenVINO on the CPU: fp32, bfloat16, or int8 after quantising with NNCF."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Telemetry is on by default, in OpenVINO and NNCF; without this package it is off.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # -- None blocks an import

import openvino as ov  # noqa: E402 -- needs the line above

_MODEL = "model.xml"
_PRECISIONS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


def convert(
    checkpoint: Path, variant: str, calibration: NDArray[np.float32], folder: Path
) -> None:
    """Write the model as OpenVINO's intermediate representation.

    For int8 it is quantised after training, with ranges that fit `calibration`.
    """
    import torch  # noqa: PLC0415 -- missing where the model is served

    script = torch.jit.load(str(checkpoint), map_location="cpu").eval()
    example = torch.from_numpy(calibration[:1])
    with torch.inference_mode():
        traced = torch.jit.trace(torch.jit.freeze(script), example)
    model = ov.convert_model(traced, example_input=example, input=[-1, *example.shape[1:]])
    if variant == "int8":
        import nncf  # noqa: PLC0415 -- missing where the model is served

        images = nncf.Dataset([image[None] for image in calibration])
        model = nncf.quantize(model, images, subset_size=len(calibration))
    ov.save_model(model, folder / _MODEL, compress_to_fp16=False)


def load(
    folder: Path,
    variant: str,
    threads: int,
    device: str,  # noqa: ARG001 -- every engine takes it
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from a batch to its logits.

    `variant` is fp32, bf16, or int8.
    """
    compiled = ov.Core().compile_model(
        folder / _MODEL,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",  # all threads on one batch, like torch
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": _PRECISIONS[variant],
            # It would pin two workers to the same cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    request = compiled.create_infer_request()

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = request.infer([batch], share_inputs=True)[0]
        return logits

    return predict
