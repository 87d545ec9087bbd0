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

import numpy as np

classify = importlib.import_module("classify")
engine = importlib.import_module("engine")


class EngineClassifier:
    """Photographs in, the five likeliest classes out."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 -- ts has no types
        """Load the model, on as many threads as the worker was given."""
        folder = Path(context.system_properties["model_dir"])
        variant = (folder / "variant.txt").read_text("utf-8")
        self._picture = classify.Picture.read(folder / "preprocess.json")
        self._predict = engine.load(folder, variant, int(os.environ["OMP_NUM_THREADS"]))

    def handle(
        self,
        data: list[dict[str, Any]],
        context: Any,  # noqa: ANN401, ARG002 -- TorchServe hands it over
    ) -> list[dict[str, float]]:
        """Return an answer for each request of a batch."""
        photographs = [bytes(row.get("data") or row.get("body") or b"") for row in data]
        pictures = np.stack([self._picture.array(one) for one in photographs])
        return [classify.top_classes(logits) for logits in self._predict(pictures)]
