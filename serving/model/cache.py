"""Entries of the cache: folders that are made whole, and held against their manifest.

An entry is made in a folder beside its place and renamed into it, so that an interrupted
build leaves no half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.child import Child
from serving.errors import ArtifactError, ConfigError

BUILD_TIMEOUT_S = 900.0
# TorchScript writes down what it holds in sets in the order of their hashes.
BUILDER_ENV = {"PYTHONHASHSEED": "0"}
_MANIFEST = "manifest.json"
_UNFINISHED = ".building-"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(paths: Sequence[Path]) -> str:
    """Return one short digest of several files' bytes, in their order."""
    return digest_of([sha256(path) for path in paths])


def digest_of(parts: object) -> str:
    """Return 16 hexadecimal digits that stand for anything that JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def ensure_entry(entry: Path, request: Callable[[Path], object]) -> None:
    """Make an entry where it is missing: `request` says what to build into a folder.

    Raises ArtifactError where it cannot be made, and ConfigError where the cache cannot
    be written.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--perf-cache {entry.parent}: cannot be made ({error})"
        ) from None
    if entry.exists():
        return
    # Named before it is made: an interrupt in between must find it too.
    folder = entry.parent / f"{_UNFINISHED}{uuid.uuid4().hex}"
    try:
        _make_unfinished(folder)
        build(request(folder))
        _finish(folder, entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(request: object) -> None:
    """Let a process of its own do what `request` asks for. Raises ArtifactError."""
    child = Child("serving.model.build", BUILDER_ENV)
    try:
        child.call(request, BUILD_TIMEOUT_S)
    finally:
        child.stop()


def verified(entry: Path, names: Sequence[str] = ()) -> dict[str, str]:
    """Return the digest of each file of an entry, having held files against them.

    `names` are the files that must be there and are held; without any it is all. Raises
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
    """Make a folder to build in; remove those that killed builds left beside it."""
    for left in folder.parent.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 2 * BUILD_TIMEOUT_S:
                shutil.rmtree(left)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"--perf-cache {folder.parent}: cannot be written ({error})"
        ) from None


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
