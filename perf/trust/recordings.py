"""Recorded runs, from which the operating curve is computed.

A recording is one run of all scenarios on code that did not change. It holds the pairs of
each scenario, the machine and the date. The files are in `recordings/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from perf.judge.stored import EXTRA, StoredPair
from perf.stats import Pair, Sample

FOLDER = Path(__file__).with_name("recordings")


class Recording(BaseModel):
    """One recorded run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recorded: str
    """The date and time of the run."""

    machine: Mapping[str, str]
    """The machine class, the CPU, the kernel and the host's name."""

    runtime: str
    model: str

    quiet: bool
    """Whether nothing else ran on the machine."""

    scenarios: Mapping[str, tuple[StoredPair, ...]]

    def sample(self, name: str) -> Sample:
        """Return the pairs of a scenario."""
        return Sample(Pair(**dict(pair)) for pair in self.scenarios[name])

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
        path.write_text(text + "\n", encoding="utf-8")


def read_recordings(runtime: str, folder: Path = FOLDER) -> list[Recording]:
    """Return the recordings of a runtime, in the order of their file names.

    Raises pydantic.ValidationError where a file is damaged.
    """
    every = (
        Recording.model_validate_json(path.read_text("utf-8"))
        for path in sorted(folder.glob("*.json"))
    )
    return [one for one in every if one.runtime == runtime]


def recording_of(result: Path, *, quiet: bool) -> Recording:
    """Return the recording that a file of `--benchmark-json` holds.

    Raises OSError, KeyError, ValueError or StopIteration where it is no such file.
    """
    raw = json.loads(result.read_text("utf-8"))
    entries = [bench["extra_info"].get(EXTRA, {}) for bench in raw["benchmarks"]]
    measured = {entry["name"]: entry for entry in entries if "pairs" in entry}
    first = next(iter(measured.values()))
    return Recording(
        recorded=raw["datetime"],
        machine={
            "class": first["identity"]["machine_class"],
            "CPU": first["about"].get("CPU", ""),
            "kernel": first["about"].get("kernel", ""),
            "host": raw["machine_info"]["node"],
        },
        runtime=first["identity"]["runtime"],
        model=first["identity"]["model"]["name"],
        quiet=quiet,
        scenarios={name: tuple(entry["pairs"]) for name, entry in measured.items()},
    )


def launches_of(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return the pairs of each launch, in the order in which the launches first occur."""
    by_launch: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_launch.setdefault(pair.launch, []).append(pair)
    return list(by_launch.values())


def runs_of(recordings: Sequence[Recording]) -> list[dict[str, list[list[Pair]]]]:
    """Return the launches of every scenario, for each recording."""
    return [
        {name: launches_of(one.sample(name).pairs) for name in one.scenarios}
        for one in recordings
    ]
