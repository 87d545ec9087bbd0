"""Models as engines read them, converted once and kept in the cache."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from serving.engines import DEFAULT, Engine
from serving.errors import ArtifactError, ConfigError
from serving.model.artifacts import Artifacts, Top, predictions_in
from serving.model.cache import digest_of, digest_of_files, ensure_entry, sha256, verified
from serving.model.choice import photographs
from serving.model.requests import ConvertRequest, EnginePredictRequest

_HERE = Path(__file__).parent
_MADE_BY = ("archive", "classify", "convert", "crops", "engine_handler")
_SOURCES = tuple(_HERE / f"{name}.py" for name in _MADE_BY)
_AGREEMENT = "agreement.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """In which share of `pictures` engine and checkpoint find the same class likeliest."""

    pictures: int
    top1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What a server, or a job, needs to compute a model with `engine`.

    `folder` is what the engine reads; `files` maps names to all that a server must have
    beside its own program, `archive` is that for TorchServe. `agreement` is None for the
    checkpoint itself. `predictions` are what answers are held against: the
    checkpoint's own where the engine is exact, else the engine's in this process.
    """

    engine: Engine
    folder: Path
    files: Mapping[str, Path]
    archive: Path
    agreement: Agreement | None
    predictions: Mapping[str, Top]


def ensure_converted(
    artifacts: Artifacts, engine: Engine, images: Sequence[Path], cache: Path
) -> Converted:
    """Return the model of `artifacts` for an engine, converting it where it is not kept.

    Raises ConfigError where a package that the engine needs is not installed, and
    ArtifactError where it does not take the model or what is kept is damaged.
    """
    if engine.name == DEFAULT:
        return _as_it_is(artifacts, engine)
    entry = cache / f"{artifacts.choice.name}-{engine.name}-{_key(artifacts, engine)}"
    labels = f"labels-{digest_of_files([*_SOURCES, *photographs()])}.json"
    ensure_entry(
        entry,
        lambda folder: ConvertRequest(
            checkpoint=artifacts.checkpoint,
            preprocess=artifacts.preprocess,
            engine=engine,
            labels=artifacts.checkpoint.parent / labels,
            folder=folder,
        ),
    )
    digests = verified(entry)

    def predict(target: Path) -> EnginePredictRequest:
        return EnginePredictRequest(
            engine, entry, artifacts.preprocess, tuple(images), target
        )

    archive = artifacts.archive.name
    predictions = artifacts.predictions
    if not engine.exact:
        predictions = predictions_in(entry, images, digest_of(digests), predict)
    return Converted(
        engine=engine,
        folder=entry,
        files={
            **_travellers(artifacts, engine),
            **{name: entry / name for name in digests if name not in (_AGREEMENT, archive)},
        },
        archive=entry / archive,
        agreement=_agreement(entry / _AGREEMENT),
        predictions=predictions,
    )


def _as_it_is(artifacts: Artifacts, engine: Engine) -> Converted:
    """Return the checkpoint, of which nothing has to be made."""
    return Converted(
        engine=engine,
        folder=artifacts.checkpoint.parent,
        files={**_travellers(artifacts, engine), "model.pt": artifacts.checkpoint},
        archive=artifacts.archive,
        agreement=None,
        predictions=artifacts.predictions,
    )


def _travellers(artifacts: Artifacts, engine: Engine) -> dict[str, Path]:
    return {
        "engine.py": engine.source,
        "classify.py": _HERE / "classify.py",
        "preprocess.json": artifacts.preprocess,
    }


def _key(artifacts: Artifacts, engine: Engine) -> str:
    try:
        versions = {name: metadata.version(name) for name in ("torch", *engine.packages)}
    except metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"engine {engine.name}: the package {error.name} is not installed; "
            "tox -e engines has it"
        ) from None
    return digest_of(
        {
            "checkpoint": artifacts.digest,
            "engine": asdict(engine),
            "sources": [sha256(path) for path in (engine.source, *_SOURCES)],
            "versions": versions,
            "machine": platform.machine(),
        }
    )


def _agreement(path: Path) -> Agreement:
    try:
        return Agreement(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is damaged ({error!r}): delete {path.parent}, or name another folder "
            "with --perf-cache"
        ) from None
