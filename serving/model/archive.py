"""Pack a model for TorchServe."""

from __future__ import annotations

import contextlib
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
    """Write NAME.mar into `folder`, with all files in one level. Raises OSError.

    The working folder is another one meanwhile.
    """
    work = folder.absolute() / "packing"
    beside = work / "beside"
    config = ModelArchiverConfig(
        model_name=name,
        version="1.0",
        handler=str(handler.absolute()),
        serialized_file=str(checkpoint.absolute()) if checkpoint else None,
        # One folder, relative: the archiver splits a path at commas and takes * and [ ]
        # for patterns, and a file that no pattern matches would be left out.
        extra_files=beside.name,
        export_path=str(folder.absolute()),
        archive_format="zip-store",  # compression gains nothing on weights
    )
    try:
        beside.mkdir(parents=True)
        for file in files:
            (beside / file.name).symlink_to(file.resolve(strict=True))
        tempfile.tempdir = str(work)  # the archiver first copies everything there
        with contextlib.chdir(work):
            generate_model_archive(config)
    finally:
        tempfile.tempdir = None
        shutil.rmtree(work, ignore_errors=True)
