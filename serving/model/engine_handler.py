"""TorchServe's handler of a model that another engine than the stock one computes.

The file travels inside the model archive, beside `classify`, `engine` and what they read;
there every file lies flat and is imported by its bare name. A whole batch is decoded,
computed and answered at once.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

classify = importlib.import_module("classify")
engine = importlib.import_module("engine")


class EngineClassifier:
    """Photographs or arrays in, the five likeliest classes out."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 -- ts has no types
        """Load the model, on as many threads as the worker was given."""
        folder = Path(context.system_properties["model_dir"])
        variant = (folder / "variant.txt").read_text("utf-8")
        self._batch = classify.Batch(
            classify.Picture.read(folder / "preprocess.json"),
            int(os.environ["PREPROCESS_THREADS"]),
        )
        self._predict = engine.load(
            folder,
            variant,
            int(os.environ["OMP_NUM_THREADS"]),
            "cpu" if context.system_properties.get("gpu_id") is None else "cuda",
        )

    def handle(
        self,
        data: list[dict[str, Any]],
        context: Any,  # noqa: ANN401, ARG002 -- TorchServe hands it over
    ) -> list[dict[str, float]]:
        """Return an answer for each request of a batch."""
        bodies = [bytes(row.get("data") or row.get("body") or b"") for row in data]
        logits = self._predict(self._batch.inputs(bodies))
        return [classify.top_classes(row) for row in logits]
