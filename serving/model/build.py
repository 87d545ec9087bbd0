"""The builder: a process that makes artifacts (`python -m serving.model.build`).

It is a process of its own, so that the process that measures never loads torch, and the
memory is free again when the work is done.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from serving.child import serve
from serving.errors import ArtifactError
from serving.model import checkpoint, convert
from serving.model.requests import (
    BuildRequest,
    ConvertRequest,
    EnginePredictRequest,
    PredictRequest,
)

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def answer(request: object) -> None:
    """Do what the request asks for.

    Raises ArtifactError, also where the disk is full, and EngineError.
    """
    if isinstance(request, BuildRequest):
        with _disk_errors(request.folder):
            checkpoint.make(request)
    elif isinstance(request, PredictRequest):
        with _disk_errors(request.target.parent):
            checkpoint.predict_all(request)
    elif isinstance(request, ConvertRequest):
        with _disk_errors(request.folder):
            convert.convert(request)
    elif isinstance(request, EnginePredictRequest):
        with _disk_errors(request.target.parent):
            convert.predict_all(request)
    else:
        raise TypeError(f"unknown request {request!r}")


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn the error of a full disk into an ArtifactError that names the option."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise ArtifactError(
            f"--perf-cache: no space left in {folder.parent} while building the model "
            f"({error.strerror}); free some, or name another folder"
        ) from None


if __name__ == "__main__":
    serve(answer)
