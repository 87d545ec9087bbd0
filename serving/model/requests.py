"""What the builder can be asked to do. Importing this does not load torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.engines import Engine
from serving.model.choice import ModelChoice
from serving.work import Work


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Build `choice` into the empty folder `folder`."""

    choice: ModelChoice
    folder: Path


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Predict each of `images` with `checkpoint`; write JSON to `target`.

    `preprocess` is the file that was written beside the checkpoint.
    """

    checkpoint: Path
    preprocess: Path
    work: Work
    images: tuple[Path, ...]
    target: Path


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """Convert `checkpoint` for `engine` into the empty folder `folder`.

    `labels` is the file with the checkpoint's own classes of the crops; it is written
    where it is missing.
    """

    checkpoint: Path
    preprocess: Path
    engine: Engine
    work: Work
    labels: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class EnginePredictRequest:
    """Predict each of `images` with the model that `engine` reads in `folder`.

    Otherwise like PredictRequest.
    """

    engine: Engine
    work: Work
    folder: Path
    preprocess: Path
    images: tuple[Path, ...]
    target: Path
