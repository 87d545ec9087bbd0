"""Make a model's checkpoint and archive, and predict with it.

Imports torch: only the builder's process does (see serving.model.build).
"""

from __future__ import annotations

import json

import torch
from PIL import Image, UnidentifiedImageError

from serving.errors import ArtifactError
from serving.model.archive import archive
from serving.model.predict import logits_of
from serving.model.requests import BuildRequest, PredictRequest
from serving.model.standalone import FOLDER
from serving.model.standalone.images import Picture
from serving.model.zoo import load_script, make_script, preprocess_for

# What the handler imports: TorchServe finds them beside it in the archive.
_BESIDE_THE_HANDLER = ("preprocess.py", "torchvision_compat.py")


def make(request: BuildRequest) -> None:
    """Write NAME.pt, NAME.mar and preprocess.json into the request's folder.

    Raises ArtifactError where the model cannot be made.
    """
    choice, folder = request.choice, request.folder
    checkpoint, preprocess = folder / f"{choice.name}.pt", folder / "preprocess.json"
    script = make_script(choice)
    preprocess.write_text(preprocess_for(choice).to_json(), encoding="utf-8")
    # Through Python's own file: torch's writer aborts the process when a write fails.
    with checkpoint.open("wb") as file:
        torch.jit.save(script, file)
    archive(
        choice.name,
        FOLDER / "handler.py",
        [*(FOLDER / file for file in _BESIDE_THE_HANDLER), preprocess],
        folder,
        checkpoint=checkpoint,
    )


def predict_all(request: PredictRequest) -> None:
    """Write `{path: answer}` for every image of the request, as a server answers.

    Raises ArtifactError where a file is not an image or the model does not classify it.
    """
    picture = Picture.read(request.preprocess)
    module = load_script(request.checkpoint, option="--perf-cache")
    work, answers = request.work.load(), {}
    for path in request.images:
        try:
            answers[str(path)] = work.answer(logits_of(module, path, picture))
        except UnidentifiedImageError:
            raise ArtifactError(f"--perf-images: {path} is not an image") from None
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise ArtifactError(f"--perf-images: {path} cannot be read ({error})") from None
        except (RuntimeError, IndexError, TypeError) as error:
            first = str(error).strip().splitlines()[-1]
            raise ArtifactError(
                f"--perf-model: the model does not classify {path.name} ({first})"
            ) from None
    request.target.write_text(json.dumps(answers), encoding="utf-8")
