"""Models in the form that an engine reads: converted once, then kept in the cache."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from serving.engines import DEFAULT, Engine
from serving.errors import ArtifactError, ConfigError
from serving.model.artifacts import Artifacts, predictions_in
from serving.model.cache import digest_of, digest_of_files, ensure_entry, sha256, verified
from serving.model.choice import photographs
from serving.model.requests import ConvertRequest, EnginePredictRequest
from serving.model.sources import digests_of_sources
from serving.model.standalone import FOLDER
from serving.work import CLASSIFICATION, Answer, Work

_MAKER = "serving.model.convert"
_AGREEMENT = "agreement.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often the engine and the checkpoint agree on the label of an image."""

    pictures: int
    """The number of images compared."""
    top1: float
    """The share of them, 0 to 1, on which both agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What a server, or a job, needs to compute a model with `engine`."""

    engine: Engine
    folder: Path
    """The folder that the engine reads."""
    files: Mapping[str, Path]
    """All that a server needs beside its own program, by the names it looks for."""
    archive: Path
    """The same for TorchServe."""
    agreement: Agreement | None
    """None for the checkpoint itself."""
    predictions: Mapping[str, Answer]
    """What answers are checked against: the checkpoint's, or the engine's if not exact."""


def ensure_converted(
    artifacts: Artifacts,
    engine: Engine,
    images: Sequence[Path],
    cache: Path,
    work: Work = CLASSIFICATION,
) -> Converted:
    """Return the model of `artifacts` for an engine, and convert it where that is missing.

    `work` decides what servers do with it, and so its archive and its predictions. Raises
    ConfigError where a package that the engine needs is not installed, EngineError where
    the engine does not take the model, and ArtifactError where the entry is damaged.
    """
    if engine.name == DEFAULT and work.stock_handler:
        return _as_it_is(artifacts, engine, work)
    entry = _ensure_entry(artifacts, engine, work, cache)
    digests = verified(entry)

    def predict(target: Path) -> EnginePredictRequest:
        return EnginePredictRequest(
            engine, work, entry, artifacts.preprocess, tuple(images), target
        )

    archive = artifacts.archive.name
    predictions = artifacts.predictions
    if not engine.exact or work != artifacts.work:
        model = digest_of(digests)
        predictions = predictions_in(entry, images, work, model, predict)
    return Converted(
        engine=engine,
        folder=entry,
        files={
            **_beside_any_server(artifacts, engine, work),
            **{name: entry / name for name in digests if name not in (_AGREEMENT, archive)},
        },
        archive=entry / archive,
        agreement=_agreement(entry / _AGREEMENT),
        predictions=predictions,
    )


def _ensure_entry(artifacts: Artifacts, engine: Engine, work: Work, cache: Path) -> Path:
    """Return the folder of the converted model, and convert it where that is missing."""
    sources = {**digests_of_sources(_MAKER), work.name: sha256(work.source)}
    key = _key(artifacts, engine, sources)
    entry = cache / f"{artifacts.choice.name}-{engine.name}-{key}"
    labels = f"labels-{digest_of([sources, digest_of_files(photographs())])}.json"
    ensure_entry(
        entry,
        lambda folder: ConvertRequest(
            checkpoint=artifacts.checkpoint,
            preprocess=artifacts.preprocess,
            engine=engine,
            work=work,
            labels=artifacts.checkpoint.parent / labels,
            folder=folder,
        ),
    )
    return entry


def _as_it_is(artifacts: Artifacts, engine: Engine, work: Work) -> Converted:
    """Return the checkpoint, which needs no conversion."""
    return Converted(
        engine=engine,
        folder=artifacts.checkpoint.parent,
        files={
            **_beside_any_server(artifacts, engine, work),
            "model.pt": artifacts.checkpoint,
        },
        archive=artifacts.archive,
        agreement=None,
        predictions=artifacts.predictions,
    )


def _beside_any_server(artifacts: Artifacts, engine: Engine, work: Work) -> dict[str, Path]:
    return {
        "engine.py": engine.source,
        "images.py": FOLDER / "images.py",
        "work.py": work.source,
        "preprocess.json": artifacts.preprocess,
    }


def _key(artifacts: Artifacts, engine: Engine, sources: Mapping[str, str]) -> str:
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
            "sources": [sha256(engine.source), sources],
            "versions": versions,
            "machine": platform.machine(),
            # Compiled code holds for the instructions of this CPU.
            **({"cpu": _instructions()} if engine.compiler else {}),
        }
    )


def _instructions() -> str:
    """Return the instructions that this CPU has; empty where the kernel does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((x for x in lines if x.startswith(("flags", "Features"))), "")


def _agreement(path: Path) -> Agreement:
    try:
        return Agreement(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is damaged ({error!r}): delete {path.parent}, or name another folder "
            "with --perf-cache"
        ) from None
