"""Make a checkpoint, a model archive and reference predictions.

Runs in a process of its own (`python -m serving.model.build`), so that the process that
measures never loads torch, and gets its memory back when the work is done.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError

from serving.child import serve
from serving.errors import ArtifactError
from serving.model import convert
from serving.model.archive import archive
from serving.model.predict import predict
from serving.model.preprocess import Preprocess
from serving.model.requests import (
    BuildRequest,
    ConvertRequest,
    EnginePredictRequest,
    PredictRequest,
)
from serving.model.zoo import load_script, make_script, preprocess_for

_HERE = Path(__file__).parent
_TRAVELLERS = ("preprocess.py", "torchvision_compat.py")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def build(request: BuildRequest) -> None:
    """Write NAME.pt, NAME.mar and preprocess.json into the request's folder.

    Raises ArtifactError where the model cannot be made or the disk is full.
    """
    choice, folder = request.choice, request.folder
    checkpoint = folder / f"{choice.name}.pt"
    with _disk_faults(folder):
        script = make_script(choice)
        (folder / "preprocess.json").write_text(
            preprocess_for(choice).to_json(), encoding="utf-8"
        )
        # Through a file of Python's: torch's own ends the process where a write fails.
        with checkpoint.open("wb") as file:
            torch.jit.save(script, file)
        archive(
            choice.name,
            _HERE / "handler.py",
            [*(_HERE / file for file in _TRAVELLERS), folder / "preprocess.json"],
            folder,
            checkpoint=checkpoint,
        )


@contextlib.contextmanager
def _disk_faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise ArtifactError(
            f"--perf-cache: no space left in {folder.parent} while building the model "
            f"({error.strerror}); free some, or name another folder"
        ) from None


def predict_all(request: PredictRequest) -> None:
    """Write `{path: [[class, probability], ...]}` for every image of the request.

    Raises ArtifactError where a file is no picture or the answers are not classes.
    """
    pre = Preprocess.from_json(request.preprocess.read_text("utf-8"))
    module = load_script(request.checkpoint, option="--perf-cache")
    answers = {}
    for path in request.images:
        try:
            answers[str(path)] = predict(module, path, pre)
        except UnidentifiedImageError:
            raise ArtifactError(f"--perf-images: {path} is not an image") from None
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise ArtifactError(f"--perf-images: {path} cannot be read ({error})") from None
        except (RuntimeError, IndexError, TypeError) as error:
            first = str(error).strip().splitlines()[-1]
            raise ArtifactError(
                f"--perf-model: the model does not classify {path.name} ({first})"
            ) from None
    with _disk_faults(request.target.parent):
        request.target.write_text(json.dumps(answers), encoding="utf-8")


def answer(request: object) -> None:
    """Do what the request asks for."""
    if isinstance(request, BuildRequest):
        build(request)
    elif isinstance(request, PredictRequest):
        predict_all(request)
    elif isinstance(request, ConvertRequest):
        with _disk_faults(request.folder):
            convert.convert(request)
    elif isinstance(request, EnginePredictRequest):
        with _disk_faults(request.target.parent):
            convert.predict_all(request)
    else:
        raise TypeError(f"unknown request {request!r}")


if __name__ == "__main__":
    serve(answer)
