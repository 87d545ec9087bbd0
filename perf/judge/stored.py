"""What a result leaves to be compared with: the entry in a benchmark's `extra_info`.

The pairs of several runs may stand in it one after the other, for a run has an error of its
own which only others show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from perf.stats import Pair, Sample

EXTRA = "serving_perf"
SCHEMA_VERSION = 3


class Identity(BaseModel):
    """What must be equal for a baseline to apply; `versions` are major versions.

    `device` is cpu, or the name of the card.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine_class: str
    device: str = "cpu"  # as all were that do not say
    runtime: str
    model: Mapping[str, str]
    spec: Mapping[str, object]
    versions: Mapping[str, str]

    def differences(self, other: Identity) -> list[str]:
        """Return one phrase for each thing in which `other` differs from this."""
        mine, theirs = _flat(self.model_dump()), _flat(other.model_dump())
        return [
            f"{key} is {mine.get(key)}, there {theirs.get(key)}"
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a baseline: when it was recorded, and its pairs."""

    recorded: str
    sample: Sample


class RecordedPair(BaseModel):
    """A pair as it is stored; other keys may join."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scenario_rps: float
    reference_rps: float
    launch: int
    yardstick_rps: float | None = None


class RecordedRun(BaseModel):
    """Which of the pairs are of one run: those from `first_launch` on, to the next's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recorded: str
    first_launch: int


class Recorded(BaseModel):
    """What a scenario's benchmark leaves in its `extra_info`; other keys may join.

    Without `runs` all pairs are of one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int
    name: str
    identity: Identity
    about: Mapping[str, str] = {}
    pairs: tuple[RecordedPair, ...]
    runs: tuple[RecordedRun, ...] = ()

    def runs_of(self, recorded: str) -> tuple[Run, ...]:
        """Return the pairs of each run; `recorded` is the date of one that has none.

        Raises ValueError where they are no throughputs, or TooFewPairs.
        """
        runs = self.runs or (RecordedRun(recorded=recorded, first_launch=0),)
        begins = [run.first_launch for run in runs]
        if begins != sorted(set(begins)) or begins[0] != 0:
            raise ValueError(f"runs begin at launches {begins}")
        ends = [*begins[1:], math.inf]
        return tuple(
            Run(
                run.recorded,
                Sample(
                    Pair(**dict(pair))
                    for pair in self.pairs
                    if run.first_launch <= pair.launch < end
                ),
            )
            for run, end in zip(runs, ends, strict=True)
        )


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
