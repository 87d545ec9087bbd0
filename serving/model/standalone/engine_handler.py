"""TorchServe's handler for a model that an engine of ours computes.

It lies in the model archive beside `work`, `engine` and the files that they read. It
decodes, computes and answers a whole batch at once.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

engine = importlib.import_module("engine")
work = importlib.import_module("work")


class EngineHandler:
    """Takes images or arrays, returns the answers of `work`."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 -- ts is not typed
        """Load the model, with the threads that the worker was given."""
        folder = Path(context.system_properties["model_dir"])
        variant = (folder / "variant.txt").read_text("utf-8")
        threads = int(os.environ["PREPROCESS_THREADS"])
        self._batch = work.make_batch(folder / "preprocess.json", threads)
        self._predict = engine.load(
            folder,
            variant,
            int(os.environ["OMP_NUM_THREADS"]),
            "cpu" if context.system_properties.get("gpu_id") is None else "cuda",
        )

    def handle(
        self,
        data: list[dict[str, Any]],
        context: Any,  # noqa: ANN401, ARG002 -- TorchServe passes it
    ) -> list[object]:
        """Return one answer for each request of a batch."""
        bodies = [bytes(row.get("data") or row.get("body") or b"") for row in data]
        logits = self._predict(self._batch.inputs(bodies))
        return [work.answer(row) for row in logits]
