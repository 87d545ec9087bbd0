"""The stored form of a result: the entry in a benchmark's `extra_info`.

A later run is compared with it. An entry can hold the pairs of several runs, one after the
other, because each run has an error of its own that only other runs show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perf.stats import Block, Pair, Sample

EXTRA = "serving_perf"
"""The key of the entry in `extra_info`."""

SCHEMA_VERSION = 4

_MOST_LAUNCHES = 2**31  # far more than any run has; larger numbers are no int64

CPU = "CPU"
"""The key of the CPU in an entry's `about`."""


class Identity(BaseModel):
    """What must be equal for a baseline to apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine_class: str

    device: str = "cpu"
    """cpu, or the name of the card; older entries have none, and were measured on cpu."""

    runtime: str
    model: Mapping[str, str]
    spec: Mapping[str, object]

    versions: Mapping[str, str]
    """Major versions."""

    cpu: str = Field(default="", exclude=True)
    """The CPU; empty where it is unknown.

    A baseline of another CPU applies, but gives no verdict of its own: at equal pace, one
    CPU does a quarter more of the same work than another. An entry has it in `about`.
    """

    def is_of_another_cpu(self, other: Identity) -> bool:
        """Return whether both CPUs are known, and differ."""
        return bool(self.cpu and other.cpu) and self.cpu != other.cpu

    def differences(self, other: Identity) -> list[str]:
        """Return a phrase for each difference; `other` is the baseline's identity."""
        mine, theirs = _flat(self.model_dump()), _flat(other.model_dump())
        return [
            f"{key} is {mine.get(key)}, in the baseline {theirs.get(key)}"
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        ]


@dataclass(frozen=True, slots=True)
class BaselineRun:
    """One run of a baseline."""

    recorded: str
    """The date and time of the run, as pytest-benchmark writes them."""

    sample: Sample


class StoredBlock(BaseModel):
    """A block as it is stored; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rps: float
    pace: float | None = None
    cpu_ms: float | None = None
    memory_bytes: float | None = None
    p99_ms: float | None = None
    figure: str = "throughput"
    memory_kind: str = "pss"

    def block(self) -> Block:
        """Return the block; raises ValueError where a value is impossible."""
        return Block(**dict(self))


class StoredPair(BaseModel):
    """A pair as it is stored; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scenario: StoredBlock
    reference: StoredBlock
    launch: int = Field(ge=0, le=_MOST_LAUNCHES)
    yardstick_rps: float | None = None

    def pair(self) -> Pair:
        """Return the pair; raises ValueError where a value is impossible."""
        return Pair(
            scenario=self.scenario.block(),
            reference=self.reference.block(),
            launch=self.launch,
            yardstick_rps=self.yardstick_rps,
        )


class StoredRun(BaseModel):
    """Where the pairs of one run begin; they end where those of the next run begin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recorded: str
    first_launch: int


class StoredResult(BaseModel):
    """A scenario's entry in `extra_info`; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int
    name: str
    identity: Identity
    about: Mapping[str, str] = {}
    pairs: tuple[StoredPair, ...]

    runs: tuple[StoredRun, ...] = ()
    """The runs of the pairs; empty where all pairs belong to one run."""

    def runs_of(self, recorded: str) -> tuple[BaselineRun, ...]:
        """Return the runs with their pairs.

        `recorded` is the date for an entry without `runs`. Raises ValueError where the
        runs do not begin in order or a throughput is impossible, and TooFewPairs where a
        run has fewer than two pairs.
        """
        runs = self.runs or (StoredRun(recorded=recorded, first_launch=0),)
        begins = [run.first_launch for run in runs]
        if begins != sorted(set(begins)) or begins[0] != 0:
            raise ValueError(f"the runs begin at launches {begins}")
        ends = [*begins[1:], math.inf]
        return tuple(
            BaselineRun(
                run.recorded,
                Sample(
                    pair.pair()
                    for pair in self.pairs
                    if run.first_launch <= pair.launch < end
                ),
            )
            for run, end in zip(runs, ends, strict=True)
        )


def first_fault(error: ValidationError) -> str:
    """Return the key at fault, if it is one, and what is wrong."""
    fault = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in fault["loc"])
    return f"{key}: {fault['msg']}" if key else fault["msg"]


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
