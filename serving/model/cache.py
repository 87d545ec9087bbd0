"""Entries of the cache: folders that are complete, and are checked against a manifest.

An entry is built in a folder beside its final place and then renamed, so that an
interrupted build never leaves half an entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.child import Child
from serving.errors import ArtifactError, ConfigError
from serving.runtimes.base import FOLDER_PREFIX
from serving.temporary import naming_tmpdir, temporary_folder

BUILD_TIMEOUT_S = 900.0
# TorchScript writes the content of sets in the order of their hashes.
BUILDER_ENV = {"PYTHONHASHSEED": "0"}
_MANIFEST = "manifest.json"
_ANOTHER = "name another folder with it or with PERF_CACHE"
_UNFINISHED = ".building-"
_NOT_THE_MODEL = (".debug_pkl", "/.data/serialization_id")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def archive_digest(path: Path) -> str:
    """Return one short digest of the model in a TorchScript file, which is a zip archive.

    Two builds of the same model differ in the padding between the archive's files, in the
    files for debuggers, which have the paths of source code, and so in the archive's id.
    Raises zipfile.BadZipFile and OSError.
    """
    with zipfile.ZipFile(path) as archive:
        return digest_of(
            sorted(
                (one.filename, one.CRC)
                for one in archive.infolist()
                if not one.filename.endswith(_NOT_THE_MODEL)
            )
        )


def digest_of_files(paths: Sequence[Path]) -> str:
    """Return one short digest of several files' bytes, in their order."""
    return digest_of([sha256(path) for path in paths])


def digest_of(parts: object) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of `parts` as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def ensure_entry(entry: Path, request: Callable[[Path], object]) -> None:
    """Build an entry where it is missing.

    `request` returns what to ask of the builder, given the folder to build into. Raises
    ArtifactError where the entry cannot be made, and ConfigError where the cache cannot be
    written.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--perf-cache {entry.parent}: cannot be made ({error.strerror}); {_ANOTHER}"
        ) from None
    try:
        if entry.exists():
            return
    except OSError as error:
        raise ConfigError(
            f"--perf-cache {entry.parent}: cannot be used ({error.strerror}); {_ANOTHER}"
        ) from None
    # Named before it is made, so that an interrupt in between removes it too.
    folder = entry.parent / f"{_UNFINISHED}{uuid.uuid4().hex}"
    try:
        _make_unfinished(folder)
        build(request(folder))
        _finish(folder, entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(request: object) -> None:
    """Have the builder, a process of its own, do the request.

    Raises ArtifactError, EngineError and TemporaryFolderError.
    """
    # What a compiler leaves in the temporary folder goes with it: up to a gigabyte. It is
    # named before it is made, so that an interrupt in between removes it too.
    folder = temporary_folder() / f"{FOLDER_PREFIX}{uuid.uuid4().hex}"
    try:
        with naming_tmpdir():
            folder.mkdir(mode=0o700)
        child = Child("serving.model.build", {**BUILDER_ENV, "TMPDIR": str(folder)})
        try:
            child.call(request, BUILD_TIMEOUT_S)
        finally:
            child.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def verified(entry: Path, names: Sequence[str] = ()) -> dict[str, str]:
    """Check files of an entry against its manifest; return the digest of every file.

    `names` are the files to check, which must exist; without any, all are checked. Raises
    ArtifactError where one is damaged.
    """
    remedy = f"delete {entry}, or name another folder with --perf-cache"
    suspect = entry / _MANIFEST
    try:
        digests: dict[str, str] = json.loads(suspect.read_text("utf-8"))
        for name in names or digests:
            suspect = entry / name
            if sha256(suspect) != digests[name]:
                raise ArtifactError(f"{suspect} is damaged: {remedy}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{suspect} is damaged ({error!r}): {remedy}") from None
    return digests


def _make_unfinished(folder: Path) -> None:
    """Make a folder to build in, and remove those that killed builds have left."""
    for left in folder.parent.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 2 * BUILD_TIMEOUT_S:
                shutil.rmtree(left)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"--perf-cache {folder.parent}: cannot be written ({error.strerror}); "
            f"{_ANOTHER}"
        ) from None


def _finish(folder: Path, entry: Path) -> None:
    """Write the manifest of a complete folder, and move the folder to its place."""
    try:
        digests = {p.name: sha256(p) for p in sorted(folder.iterdir())}
        (folder / _MANIFEST).write_text(json.dumps(digests, indent=1), encoding="utf-8")
        folder.chmod(0o755)  # another user reads the archive in a container
        folder.rename(entry)
    except OSError as error:
        if entry.exists():
            return  # another program was faster
        raise ArtifactError(
            f"--perf-cache: {entry.parent} cannot be written ({error.strerror}); free "
            "some space, or name another folder"
        ) from None
