"""The files of the history: one for each machine class, which only grow."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from perf.history.entry import FORMAT, Entry
from perf.judge.stored import first_fault
from serving.errors import ConfigError

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9+._-]")
_ENDING = ".jsonl"


class _Format(BaseModel):
    """The one key that says whether the others can be read."""

    model_config = ConfigDict(extra="ignore")

    format: int = FORMAT


class History:
    """A folder of files in JSON Lines.

    A line is never changed. Two branches that both add lines can be merged line by line.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which need not exist."""
        self.folder = folder

    def check(self) -> None:
        """Make the folder, and raise ConfigError where nothing could be added to it."""
        self.read()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
            for path in self._files():
                with path.open("ab"):
                    pass
        except OSError as error:
            raise self._not_written(error) from None

    def add(self, entries: Sequence[Entry]) -> int:
        """Append the results that are not there yet, and return how many these are.

        Raises ConfigError where a file is damaged or cannot be written.
        """
        known = {entry.key for entry in self.read()}
        new = [entry for entry in entries if entry.key not in known]
        lines: dict[Path, list[str]] = {}
        for entry in new:
            lines.setdefault(self._file(entry), []).append(f"{entry.line()}\n")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path, added in lines.items():
                _append(path, "".join(added).encode())
        except OSError as error:
            raise self._not_written(error) from None
        return len(new)

    def read(self) -> list[Entry]:
        """Return all results in the order of time; none where there is no folder.

        Raises ConfigError where a file is damaged or cannot be read.
        """
        found: dict[tuple[str, ...], Entry] = {}
        for path in self._files():
            for entry in _entries(path):
                found.setdefault(entry.key, entry)  # a merge may have doubled a line
        return sorted(found.values(), key=lambda entry: entry.time)

    def _files(self) -> list[Path]:
        try:
            return sorted(one for one in self.folder.iterdir() if one.suffix == _ENDING)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(
                f"history {self.folder}: not a folder that can be read ({error.strerror})"
            ) from None

    def _file(self, entry: Entry) -> Path:
        name = _NOT_IN_A_NAME.sub("-", entry.machine_class)
        return self.folder / f"{name}{_ENDING}"

    def _not_written(self, error: OSError) -> ConfigError:
        return ConfigError(f"history {self.folder}: cannot be written ({error.strerror})")


def counted(number: int) -> str:
    """Return so many results in words."""
    return "1 result" if number == 1 else f"{number} results"


def _append(path: Path, lines: bytes) -> None:
    """Add all lines to the end of a file, or none of them. Raises OSError.

    The file is locked meanwhile, so that no other run writes between them.
    """
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            lines = b"\n" + lines
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(size)  # else a part of a line would stay
            raise


def _entries(path: Path) -> Iterator[Entry]:
    """Yield what a file has; it is locked while it is read, because a run may add to it."""
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            lines = file.read().splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"history {path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _entry(line, f"history {path}, line {number}")


def _entry(line: str, where: str) -> Entry:
    """Return one result; `where` begins the message of a ConfigError."""
    try:
        found = _Format.model_validate_json(line).format
        # A later format may have other keys, so it comes before them.
        entry = Entry.model_validate_json(line) if found == FORMAT else None
    except ValidationError as error:
        raise ConfigError(
            f"{where}: damaged ({first_fault(error)}); restore it from git, or remove "
            "the line"
        ) from None
    if entry is None:
        raise ConfigError(f"{where}: format {found}, but this suite reads format {FORMAT}")
    return entry
