"""What holds for a whole run, and is known before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader:
    """The head of every report."""

    profile: str

    runtime: str
    """Where the servers run, as `--perf-runtime` names it."""

    runtime_reason: str
    """Why there."""

    machine_class: str

    device: str
    """What computes the model, as `--perf-device` names it."""

    seed: int
    """Of the random order of the blocks."""

    model: str
    """Its name and its weights, for a reader."""

    model_options: tuple[str, ...] = ()
    """The options that choose the model, the images and the amounts, to repeat the run.

    Those that are as usual are left out.
    """

    machine: Mapping[str, str]
    """Facts of the machine, for the end of the report."""

    versions: Mapping[str, str]
    """Of what computes and serves, for the end of the report."""

    started: str = ""
    """When the run began, in UTC, by ISO 8601; empty where it is unknown."""

    commit: str = ""
    """The commit of this tree, and whether its files differ; empty where it is unknown."""

    scenarios: tuple[str, ...] = ()
    """The names of the rows that the run is to measure."""

    budgets_s: Mapping[str, float] = field(default_factory=dict)
    """The time of each of these rows, in seconds; empty where launches count."""

    baseline_required: bool = False
    """Whether a scenario without a clear verdict fails the run."""
