"""The journal of a sweep: one line for each launch, so that an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from perf.judge.stored import StoredBlock
from perf.stats import Block
from serving.errors import ConfigError


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

        `identity` is what must be equal for its launches to count. Raises ConfigError
        where a journal of another sweep lies there, or the file cannot be used.
        """
        self.path = path
        self._entries: dict[tuple[str, str, int], Entry] = {}
        head = json.dumps({"identity": identity}, sort_keys=True, default=str)
        try:
            if not path.exists():
                path.write_text(head + "\n", encoding="utf-8")
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ConfigError(f"--perf-reports: {path} cannot be used ({why})") from None
        first, *lines = text.splitlines() or [""]
        if first != head:
            raise ConfigError(
                f"--perf-sweep: {path} was begun with another table, model or machine; "
                "remove it to begin anew, or choose another folder with --perf-reports"
            )
        for line in lines:
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError:
                continue  # cut off by the interrupt; it is measured again
            self._entries[entry.stage, entry.point, entry.round] = entry
        if not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")  # the next entry is not glued to what was cut off

    @property
    def launches(self) -> int:
        """How many launches it holds."""
        return len(self._entries)

    def find(self, stage: str, point: str, number: int) -> Entry | None:
        """Return a launch, or None where it was not measured yet."""
        return self._entries.get((stage, point, number))

    def add(self, entry: Entry) -> None:
        """Append a launch. Raises ConfigError where the disk is full."""
        self._entries[entry.stage, entry.point, entry.round] = entry
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
