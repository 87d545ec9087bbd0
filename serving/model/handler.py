"""TorchServe's own image classifier, with the preprocessing of the archived model.

The file travels inside the model archive, beside `torchvision_compat`, `preprocess` and
`preprocess.json`; there every file lies flat and is imported by its bare name.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

preprocess = importlib.import_module("preprocess")

# Where OpenVINO is installed, TorchServe's handlers import this, and torch's compiler with
# it, for seconds; a TorchScript model uses neither.
sys.modules.setdefault("openvino.torch", None)  # type: ignore[arg-type]

from ts.torch_handler.image_classifier import (  # noqa: E402 -- imports torchvision
    ImageClassifier,
)


class PhotographClassifier(ImageClassifier):  # type: ignore[misc]  # ts has no types
    """The stock handler: photographs in, the five likeliest classes out."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 -- ts has no types
        """Load the model, and the preprocessing that was archived with it."""
        super().initialize(context)
        folder = Path(context.system_properties["model_dir"])
        text = (folder / "preprocess.json").read_text(encoding="utf-8")
        self.image_processing = preprocess.make_transform(
            preprocess.Preprocess.from_json(text)
        )
