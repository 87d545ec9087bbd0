"""What holds for a whole run, and is known before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader:
    """The head of every report.

    `device` is what computes the model, as `--perf-device` names it. `machine` and
    `versions` map names to values for the end of the report.
    """

    profile: str
    runtime: str
    runtime_reason: str
    machine_class: str
    device: str
    seed: int
    model: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
