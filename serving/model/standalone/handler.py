"""TorchServe's stock image classifier, with the preprocessing of the archived model.

It lies in the model archive beside `torchvision_compat`, `preprocess` and preprocess.json.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

preprocess = importlib.import_module("preprocess")

# TorchServe's handlers import this where OpenVINO is installed, and with it torch's
# compiler. That takes seconds, and a TorchScript model needs neither.
sys.modules.setdefault("openvino.torch", None)  # type: ignore[arg-type]  # -- None blocks an import

from ts.torch_handler.image_classifier import (  # noqa: E402 -- needs the lines above
    ImageClassifier,
)


class ImageFileClassifier(ImageClassifier):  # type: ignore[misc]  # -- ts is not typed
    """The stock handler: takes images, returns the five likeliest classes."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 -- ts is not typed
        """Load the model, and the preprocessing that was archived with it."""
        super().initialize(context)
        folder = Path(context.system_properties["model_dir"])
        text = (folder / "preprocess.json").read_text(encoding="utf-8")
        self.image_processing = preprocess.make_transform(
            preprocess.Preprocess.from_json(text)
        )
