"""Convert a checkpoint for an engine, and count how often both agree.

Imports torch: only the builder's process does (see serving.model.build).
"""

from __future__ import annotations

import json
import os
import shutil

import torch

from serving.engines import Floats, Predict
from serving.errors import EngineError
from serving.model.archive import archive
from serving.model.choice import photographs
from serving.model.crops import make_crops
from serving.model.requests import ConvertRequest, EnginePredictRequest
from serving.model.standalone import FOLDER
from serving.model.standalone.images import Picture
from serving.model.zoo import load_script
from serving.work import Work

CALIBRATION = 100  # crops to calibrate on; NNCF's default is 300
CORPUS = 240  # other crops, to compare on
AGREEMENT = "agreement.json"
_BATCH = 8
_SEED = 20250402  # not the seed of the crops that weights are fitted to


def convert(request: ConvertRequest) -> None:
    """Write the model in the engine's form, its archive, and `AGREEMENT`.

    Raises EngineError where the engine does not take the model.
    """
    engine, folder = request.engine, request.folder
    picture = Picture.read(request.preprocess)
    crops = make_crops(photographs(), CALIBRATION + CORPUS, picture, seed=_SEED)
    calibration, corpus = crops[:CALIBRATION], crops[CALIBRATION:]
    try:
        engine.convert(request.checkpoint, calibration, folder)
        found = _labels_of(engine.load(folder, _cores()), corpus, request.work)
    except (RuntimeError, ValueError, TypeError) as error:
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise EngineError(
            f"engine {engine.name}: it does not take the model ({first})"
        ) from None
    _pack(request)
    same = [
        one == other
        for one, other in zip(found, _checkpoint_labels(request, corpus), strict=True)
    ]
    agreement = {"pictures": len(same), "top1": sum(same) / len(same)}
    (folder / AGREEMENT).write_text(json.dumps(agreement), encoding="utf-8")


def predict_all(request: EnginePredictRequest) -> None:
    """Write `{path: answer}` for every image of the request, as a server answers."""
    work = request.work.load()
    picture = Picture.read(request.preprocess)
    predict = request.engine.load(request.folder, _cores())
    answers = {}
    for path in request.images:
        (logits,) = predict(picture.array(path.read_bytes())[None])
        answers[str(path)] = work.answer(logits)
    request.target.write_text(json.dumps(answers), encoding="utf-8")


def _pack(request: ConvertRequest) -> None:
    """Write the archive with which TorchServe serves the model through this engine."""
    folder = request.folder
    variant, engine, work = (
        folder / name for name in ("variant.txt", "engine.py", "work.py")
    )
    variant.write_text(request.engine.variant, encoding="utf-8")
    shutil.copyfile(request.engine.source, engine)
    shutil.copyfile(request.work.source, work)
    files = [*folder.iterdir(), FOLDER / "images.py", request.preprocess]
    name = request.checkpoint.stem  # TorchServe serves the model under this name
    archive(name, FOLDER / "engine_handler.py", files, folder)
    for copied in (variant, engine, work):
        copied.unlink()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _labels_of(predict: Predict, images: Floats, work: Work) -> list[object]:
    """Return the label of each image."""
    label = work.load().label
    batches = range(0, len(images), _BATCH)
    return [
        label(logits)
        for first in batches
        for logits in predict(images[first : first + _BATCH])
    ]


def _checkpoint_labels(request: ConvertRequest, corpus: Floats) -> list[object]:
    """Return the label that the checkpoint gives each crop; kept for other engines."""
    if not request.labels.exists():
        script = load_script(request.checkpoint, option="--perf-cache")

        def predict(images: Floats) -> Floats:
            with torch.inference_mode():
                logits: Floats = script(torch.from_numpy(images)).numpy()
            return logits

        part = request.folder / "labels.part"
        found = _labels_of(predict, corpus, request.work)
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(request.labels)
    labels: list[object] = json.loads(request.labels.read_text("utf-8"))
    return labels
