"""The folder for temporary files, and in one line what is wrong with it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from serving.errors import ConfigError


class TemporaryFolderError(ConfigError):
    """The folder for temporary files does not suit; the message names TMPDIR."""


def temporary_folder() -> Path:
    """Return the folder. Raises TemporaryFolderError where there is none to write to."""
    with naming_tmpdir():
        return Path(tempfile.gettempdir())


@contextlib.contextmanager
def naming_tmpdir() -> Iterator[None]:
    """Raise TemporaryFolderError in place of an OSError; make only such files inside."""
    try:
        yield
    except OSError as error:
        where = f"TMPDIR {tempfile.tempdir}" if tempfile.tempdir else "TMPDIR"
        raise TemporaryFolderError(
            f"{where}: no temporary file can be made ({error.strerror}); free some space, "
            "or name another folder"
        ) from None
