"""The artifacts of a run: archives that other jobs left, of which nothing is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from pydantic import BaseModel

from perf.github.api import Api
from perf.github.errors import DamagedError

MOST_ARCHIVE_BYTES = 50_000_000
MOST_FILE_BYTES = 10_000_000
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # raised by zipfile: a compression that Python cannot read
    OverflowError,  # a place that no file has
    RuntimeError,  # a password
    ValueError,
    OSError,
)
# What other ways expand to is not limited by zipfile, so it could fill the memory.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Artifact(BaseModel):
    """One artifact."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool


def artifacts(api: Api, run_id: int) -> dict[str, Artifact]:
    """Return the artifacts of a run by their names; of several attempts the newest."""
    path = f"/actions/runs/{run_id}/artifacts"
    found = api.every(path, Artifact, key="artifacts")
    known = sorted(found, key=lambda one: one.id)
    return {one.name: one for one in known if not one.expired}


def files(api: Api, artifact: Artifact) -> Archive:
    """Download an artifact. Raises DamagedError where it is too large or no archive."""
    if artifact.size_in_bytes > MOST_ARCHIVE_BYTES:
        raise DamagedError(
            f"artifact {artifact.name!r} has {artifact.size_in_bytes} bytes, at most "
            f"{MOST_ARCHIVE_BYTES} are read"
        )
    path = f"/actions/artifacts/{artifact.id}/zip"
    content = api.download(path, MOST_ARCHIVE_BYTES)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _FAULTS as fault:
        raise DamagedError(f"artifact {artifact.name!r} is no archive: {fault}") from None
    return Archive(artifact.name, archive)


class Archive:
    """The files of an artifact, in memory."""

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        """Take what was downloaded."""
        self._name = name
        self._archive = archive
        self._members: Mapping[str, zipfile.ZipInfo] = {
            one.filename: one for one in archive.infolist()
        }

    @property
    def names(self) -> list[str]:
        """The names of the files, as whoever made the archive chose them."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return a file. Raises DamagedError where it is missing, too large or damaged."""
        member = self._members.get(name)
        if member is None:
            raise DamagedError(f"artifact {self._name!r} has no file {name}")
        if member.compress_type not in _COMPRESSIONS:
            raise DamagedError(
                f"artifact {self._name!r}: {name} is compressed in a way that is not read "
                f"(method {member.compress_type})"
            )
        try:
            with self._archive.open(member) as file:
                content = file.read(MOST_FILE_BYTES + 1)
        except _FAULTS as fault:
            raise DamagedError(
                f"artifact {self._name!r}: {name} is damaged: {fault}"
            ) from None
        if len(content) > MOST_FILE_BYTES:
            raise DamagedError(
                f"artifact {self._name!r}: {name} has more than {MOST_FILE_BYTES} bytes"
            )
        return content
