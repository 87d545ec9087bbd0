"""Pack a model for TorchServe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from model_archiver.model_archiver_config import ModelArchiverConfig
from model_archiver.model_packaging import generate_model_archive


def archive(
    name: str,
    handler: Path,
    files: Sequence[Path],
    folder: Path,
    *,
    checkpoint: Path | None = None,
) -> None:
    """Write NAME.mar into `folder`, with all files in one level. Raises OSError."""
    work = folder / "packing"
    work.mkdir()
    tempfile.tempdir = str(work)  # the archiver first copies everything there
    try:
        generate_model_archive(
            ModelArchiverConfig(
                model_name=name,
                version="1.0",
                handler=str(handler),
                serialized_file=str(checkpoint) if checkpoint else None,
                extra_files=",".join(str(file) for file in files),
                export_path=str(folder),
                archive_format="zip-store",  # compression gains nothing on weights
            )
        )
    finally:
        tempfile.tempdir = None
        shutil.rmtree(work, ignore_errors=True)
