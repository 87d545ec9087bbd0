"""Convert a checkpoint for an engine, and count how often both find the same class.

Imports torch: only the builder's process does (see serving.model.build).
"""

from __future__ import annotations

import json
import os
import shutil

import torch

from serving.engines import Floats, Predict
from serving.errors import ArtifactError
from serving.model.archive import archive
from serving.model.choice import photographs
from serving.model.crops import make_crops
from serving.model.requests import ConvertRequest, EnginePredictRequest
from serving.model.standalone import FOLDER
from serving.model.standalone.classify import Picture, top_classes
from serving.model.zoo import load_script

CALIBRATION = 100  # crops to calibrate on; NNCF's default is 300
CORPUS = 240  # other crops, to compare on
AGREEMENT = "agreement.json"
_BATCH = 8
_SEED = 20250402  # not the seed of the crops that weights are fitted to


def convert(request: ConvertRequest) -> None:
    """Write the model in the engine's form, its archive, and `AGREEMENT`.

    Raises ArtifactError where the engine does not take the model.
    """
    engine, folder = request.engine, request.folder
    picture = Picture.read(request.preprocess)
    crops = make_crops(photographs(), CALIBRATION + CORPUS, picture, seed=_SEED)
    calibration, corpus = crops[:CALIBRATION], crops[CALIBRATION:]
    try:
        engine.convert(request.checkpoint, calibration, folder)
        found = _likeliest(engine.load(folder, _cores()), corpus)
    except (RuntimeError, ValueError, TypeError) as error:
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise ArtifactError(
            f"engine {engine.name}: it does not take the model ({first})"
        ) from None
    _pack(request)
    same = [
        one == other for one, other in zip(found, _labels(request, corpus), strict=True)
    ]
    told = {"pictures": len(same), "top1": sum(same) / len(same)}
    (folder / AGREEMENT).write_text(json.dumps(told), encoding="utf-8")


def predict_all(request: EnginePredictRequest) -> None:
    """Write `{path: [[class, probability], ...]}` for every image of the request."""
    picture = Picture.read(request.preprocess)
    predict = request.engine.load(request.folder, _cores())
    answers = {}
    for path in request.images:
        (logits,) = predict(picture.array(path.read_bytes())[None])
        answers[str(path)] = list(top_classes(logits).items())
    request.target.write_text(json.dumps(answers), encoding="utf-8")


def _pack(request: ConvertRequest) -> None:
    """Write the archive with which TorchServe serves the model through this engine."""
    folder = request.folder
    variant, engine = folder / "variant.txt", folder / "engine.py"
    variant.write_text(request.engine.variant, encoding="utf-8")
    shutil.copyfile(request.engine.source, engine)
    files = [*folder.iterdir(), FOLDER / "classify.py", request.preprocess]
    name = request.checkpoint.stem  # TorchServe serves the model under this name
    archive(name, FOLDER / "engine_handler.py", files, folder)
    variant.unlink()
    engine.unlink()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _likeliest(predict: Predict, images: Floats) -> list[int]:
    """Return the likeliest class of each image."""
    batches = range(0, len(images), _BATCH)
    return [
        int(label)
        for first in batches
        for label in predict(images[first : first + _BATCH]).argmax(axis=1)
    ]


def _labels(request: ConvertRequest, corpus: Floats) -> list[int]:
    """Return the checkpoint's likeliest class of each crop; kept for other engines."""
    if not request.labels.exists():
        script = load_script(request.checkpoint, option="--perf-cache")

        def predict(images: Floats) -> Floats:
            with torch.inference_mode():
                logits: Floats = script(torch.from_numpy(images)).numpy()
            return logits

        part = request.folder / "labels.part"
        part.write_text(json.dumps(_likeliest(predict, corpus)), encoding="utf-8")
        part.replace(request.labels)
    labels: list[int] = json.loads(request.labels.read_text("utf-8"))
    return labels
