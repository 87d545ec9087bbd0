"""The program that Triton runs: it takes images and returns answers.

Run as `python triton_app.py CONFIG` in a folder with the model and with `work` and
`engine`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

Answers = Callable[..., dict[str, NDArray[np.bytes_]]]


def worker(config: dict[str, Any]) -> Answers:
    """Load the model; return the function that answers a batch of bodies."""
    home = Path(__file__).parent
    work = importlib.import_module("work")
    engine = importlib.import_module("engine")
    threads = config["preprocess_threads"]
    inputs, answer = work.make_batch(home / "preprocess.json", threads).inputs, work.answer
    infer = engine.load(
        home, config["variant"], config["threads_per_worker"], config["device"]
    )

    @batch  # type: ignore[untyped-decorator]  # -- pytriton is not typed
    def answers(photograph: NDArray[np.object_]) -> dict[str, NDArray[np.bytes_]]:
        logits = infer(inputs([bytes(body) for (body,) in photograph]))
        texts = [json.dumps(answer(row)).encode() for row in logits]
        return {"classes": np.array(texts, dtype=np.bytes_)[:, None]}

    found: Answers = answers
    return found


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    server = TritonConfig(
        http_address=config["host"],
        http_port=config["ports"]["inference"],
        allow_grpc=False,
        allow_metrics=False,
    )
    with Triton(config=server, workspace=Path(config["scratch"]) / "triton") as triton:
        triton.bind(
            model_name=config["name"],
            infer_func=[worker(config) for _ in range(config["workers"])],
            inputs=[Tensor(name="photograph", dtype=bytes, shape=(1,))],
            outputs=[Tensor(name="classes", dtype=bytes, shape=(1,))],
            config=ModelConfig(
                max_batch_size=config["batch_size"],
                batcher=DynamicBatcher(
                    max_queue_delay_microseconds=1000 * config["batch_delay_ms"]
                ),
            ),
        )
        triton.serve()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
