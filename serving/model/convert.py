"""Convert a checkpoint for an engine, and count how often both say the same."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import torch

from serving.engines import Pictures, Predict
from serving.errors import ArtifactError
from serving.model.archive import archive
from serving.model.choice import photographs
from serving.model.classify import Picture, top_classes
from serving.model.crops import make_crops
from serving.model.requests import ConvertRequest, EnginePredictRequest
from serving.model.zoo import load_script

_HERE = Path(__file__).parent
CALIBRATION = 100  # crops; NNCF's own default is 300
CORPUS = 240  # crops, none of them among those
AGREEMENT = "agreement.json"
_BATCH = 8
_SEED = 20250402  # another than that of the crops that weights are fitted to


def convert(request: ConvertRequest) -> None:
    """Write the model as the engine reads it, and `AGREEMENT`.

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
    """Write the archive from which TorchServe serves the model with this engine."""
    folder = request.folder
    variant, engine = folder / "variant.txt", folder / "engine.py"
    variant.write_text(request.engine.variant, encoding="utf-8")
    shutil.copyfile(request.engine.source, engine)
    travellers = [_HERE / "classify.py", request.preprocess]
    # The name under which TorchServe serves it.
    name = request.checkpoint.stem
    archive(name, _HERE / "engine_handler.py", [*folder.iterdir(), *travellers], folder)
    variant.unlink()
    engine.unlink()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _likeliest(predict: Predict, pictures: Pictures) -> list[int]:
    """Return the likeliest class of each picture."""
    batches = range(0, len(pictures), _BATCH)
    return [
        int(label)
        for first in batches
        for label in predict(pictures[first : first + _BATCH]).argmax(axis=1)
    ]


def _labels(request: ConvertRequest, corpus: Pictures) -> list[int]:
    """Return the classes that the checkpoint finds likeliest, kept for other engines."""
    if not request.labels.exists():
        script = load_script(request.checkpoint, option="--perf-cache")

        def predict(pictures: Pictures) -> Pictures:
            with torch.inference_mode():
                logits: Pictures = script(torch.from_numpy(pictures)).numpy()
            return logits

        part = request.folder / "labels.part"
        part.write_text(json.dumps(_likeliest(predict, corpus)), encoding="utf-8")
        part.replace(request.labels)
    labels: list[int] = json.loads(request.labels.read_text("utf-8"))
    return labels
