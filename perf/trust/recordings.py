"""Recorded runs of unchanged code: one JSON file a run, in one folder a machine.

Old recordings without pace lie in `without-pace/`; nothing is computed from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from perf.judge.stored import EXTRA, StoredPair
from perf.stats import THROUGHPUT, Pair

FOLDER = Path(__file__).with_name("recordings")
_WITHOUT_PACE = "without-pace"


class Kind(StrEnum):
    """What the scenario's blocks were measured beside."""

    REFERENCE = "reference"  # the reference row, as in a run that a baseline judges
    SIDE_BY_SIDE = "side by side"  # the same scenario of the same code


class Recording(BaseModel):
    """One recorded run of unchanged code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    recorded: str
    """The date and time of the run."""

    machine: Mapping[str, str]
    """Its class, CPU and kernel."""

    runtime: str
    model: str

    quiet: bool
    """Whether nothing else ran on the machine."""

    turn_s: float = 0.0
    """Seconds of a turn, side by side; 0 where one block followed the other."""

    scenarios: Mapping[str, tuple[StoredPair, ...]]

    @property
    def figure(self) -> str:
        """What was measured in every block: throughput, goodput or capacity.

        Raises ValueError where blocks differ in that, or where there is none.
        """
        figures = {one.scenario.figure for rows in self.scenarios.values() for one in rows}
        if len(figures) != 1:
            raise ValueError(f"a recording has one figure, not {sorted(figures)}")
        return figures.pop()

    def launches(self, name: str) -> list[list[Pair]]:
        """Return the pairs of each launch of a scenario."""
        by_launch: dict[int, list[Pair]] = {}
        for stored in self.scenarios[name]:
            by_launch.setdefault(stored.launch, []).append(stored.pair())
        return list(by_launch.values())

    def write(self, path: Path) -> None:
        """Write the file with one pair a line, so that a diff shows what differs."""
        whole = self.model_dump(mode="json")
        scenarios = whole.pop("scenarios")
        lines = [f"  {json.dumps(key)}: {json.dumps(whole[key])}," for key in whole]
        rows = []
        for name, pairs in scenarios.items():
            body = ",\n".join(f"      {json.dumps(pair)}" for pair in pairs)
            rows.append(f"    {json.dumps(name)}: [\n{body}\n    ]")
        text = "\n".join(["{", *lines, '  "scenarios": {', ",\n".join(rows), "  }", "}"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


def read_recordings(
    runtime: str, folder: Path = FOLDER, figure: str = THROUGHPUT.name
) -> dict[str, list[Recording]]:
    """Return the recordings of a runtime by the name of their machine, in order of date.

    They are those of one `figure`. Raises ValueError where a file is damaged.
    """
    found: dict[str, list[Recording]] = {}
    for path in sorted(folder.glob("*/*.json")):
        if path.parent.name == _WITHOUT_PACE:
            continue
        one = Recording.model_validate_json(path.read_text("utf-8"))
        if one.runtime == runtime and one.figure == figure:
            found.setdefault(path.parent.name, []).append(one)
    return found


def recording_of(result: Path, *, quiet: bool) -> Recording:
    """Return the recording that a result holds.

    `result` is a file of `--benchmark-json`, or the summary.json of a run side by side.
    A summary does not say when it was made; the file's time does. Raises OSError, KeyError,
    ValueError or StopIteration where it is neither.
    """
    raw = json.loads(result.read_text("utf-8"))
    if "scenarios" not in raw:
        return _of_benchmarks(raw, quiet)
    written = datetime.fromtimestamp(result.stat().st_mtime, UTC)
    return _of_summary(raw, written, quiet)


def _of_summary(raw: Mapping[str, Any], written: datetime, quiet: bool) -> Recording:  # noqa: FBT001 -- private, and named where it is given
    rows = {row["name"]: row for row in raw["scenarios"]}
    if not all(row["against"] for row in rows.values()):
        raise ValueError("only the summary of a run side by side is a recording")
    return Recording(
        kind=Kind.SIDE_BY_SIDE,
        recorded=f"{written:%Y-%m-%dT%H:%M:%S}",
        machine={
            "class": raw["machine_class"],
            "CPU": raw["machine"].get("CPU", ""),
            "kernel": raw["machine"].get("kernel", ""),
        },
        runtime=raw["runtime"],
        model=raw["model"].split(" ")[0],
        quiet=quiet,
        turn_s=max((row.get("turn_s") or 0.0 for row in rows.values()), default=0.0),
        scenarios={
            name: tuple(row.get("against_pairs") or row["pairs"])
            for name, row in rows.items()
        },
    )


def _of_benchmarks(raw: Mapping[str, Any], quiet: bool) -> Recording:  # noqa: FBT001 -- as above
    entries = [bench["extra_info"].get(EXTRA, {}) for bench in raw["benchmarks"]]
    measured = {entry["name"]: entry for entry in entries if "pairs" in entry}
    first = next(iter(measured.values()))
    return Recording(
        kind=Kind.REFERENCE,
        recorded=raw["datetime"],
        machine={
            "class": first["identity"]["machine_class"],
            "CPU": first["about"].get("CPU", ""),
            "kernel": first["about"].get("kernel", ""),
        },
        runtime=first["identity"]["runtime"],
        model=first["identity"]["model"]["name"],
        quiet=quiet,
        scenarios={name: tuple(entry["pairs"]) for name, entry in measured.items()},
    )


def runs_of(
    recordings: Sequence[Recording], kind: Kind
) -> list[dict[str, list[list[Pair]]]]:
    """Return the launches of every scenario, for each recording of a kind."""
    return [
        {name: one.launches(name) for name in one.scenarios}
        for one in recordings
        if one.kind is kind
    ]
