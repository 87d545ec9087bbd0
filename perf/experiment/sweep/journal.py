"""The journal of a sweep: one line for each launch, so that an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from perf.judge.stored import StoredBlock
from perf.stats import Block
from serving.errors import ConfigError

_NAMED = 3  # differences


class Entry(BaseModel):
    """One launch of one point."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    """`race` or `final`."""

    point: str
    round: int

    blocks: tuple[StoredBlock, ...] = ()

    disturbed: int = 0
    """How many of them other programs or the host disturbed."""

    failed: str = ""
    """Why there is no block; empty where there is."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What was measured in one launch."""

    blocks: Sequence[Block]

    disturbed: int = 0
    """How many of them were disturbed, and count all the same."""


class Journal:
    """The launches that were measured so far, in a file."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        """Open the journal at `path`, or begin one.

        `identity` is what must be equal for its launches to count. An empty file is begun
        anew. Raises ConfigError where a journal of another sweep lies there, or the file
        cannot be used.
        """
        self.path = path
        self._entries: dict[tuple[str, str, int], Entry] = {}
        head = json.dumps({"identity": identity}, sort_keys=True, default=str)
        try:
            if not path.exists() or not path.stat().st_size:
                path.write_text(head + "\n", encoding="utf-8")
            text = path.read_text("utf-8")
            if not text.endswith("\n"):
                with path.open("a", encoding="utf-8") as file:
                    file.write("\n")  # the next entry is not glued to what was cut off
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ConfigError(f"--perf-reports: {path} cannot be used ({why})") from None
        first, *lines = text.splitlines()
        if first != head:
            raise ConfigError(
                f"--perf-sweep: {path} {_difference(first, head)}; remove it to begin "
                "anew, or choose another folder with --perf-reports"
            )
        for line in lines:
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError:
                continue  # cut off by the interrupt; it is measured again
            self._entries[entry.stage, entry.point, entry.round] = entry

    @property
    def launches(self) -> int:
        """How many launches it holds."""
        return len(self._entries)

    def find(self, stage: str, point: str, number: int) -> Entry | None:
        """Return a launch, or None where it was not measured yet."""
        return self._entries.get((stage, point, number))

    def add(self, entry: Entry, *, keep: bool = True) -> None:
        """Append a launch. Raises ConfigError where the disk is full.

        Without `keep` it counts for this run alone, and is not written to the file.
        """
        self._entries[entry.stage, entry.point, entry.round] = entry
        if not keep:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(entry.model_dump_json() + "\n")
        except OSError as error:
            raise ConfigError(
                f"--perf-reports: {self.path} cannot be written ({error.strerror}); free "
                "some space and run the sweep again: it goes on where it ended"
            ) from None


def entry_of(stage: str, point: str, number: int, measured: Launch | str) -> Entry:
    """Return the entry of a launch, or of one that failed for the reason given."""
    if isinstance(measured, str):
        return Entry(stage=stage, point=point, round=number, failed=measured)
    return Entry(
        stage=stage,
        point=point,
        round=number,
        blocks=tuple(StoredBlock(**asdict(block)) for block in measured.blocks),
        disturbed=measured.disturbed,
    )


def _difference(first: str, head: str) -> str:
    """Return what differs between the first line of a journal and the one it should be."""
    try:
        seen = dict(_values(json.loads(first)["identity"]))
    except (ValueError, KeyError, TypeError):
        return "is no journal of a sweep"
    wanted = dict(_values(json.loads(head)["identity"]))
    found = [
        f"{name} {seen.get(name, 'none')} -> {wanted.get(name, 'none')}"
        for name in sorted(seen.keys() | wanted.keys())
        if seen.get(name) != wanted.get(name)
    ]
    if len(found) > _NAMED:
        found[_NAMED:] = [f"{len(found) - _NAMED} more"]
    return f"was begun with other settings: {', '.join(found)}"


def _values(part: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of nested JSON objects as text, with its path."""
    if not isinstance(part, dict):
        yield name, part if isinstance(part, str) else json.dumps(part, sort_keys=True)
        return
    for key, inner in part.items():
        yield from _values(inner, f"{name}.{key}" if name else str(key))
