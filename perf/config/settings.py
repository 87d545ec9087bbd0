"""The settings of a run: everything that a user chose, checked and frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perf.config.profile import Profile
from perf.config.scenario import Scenario
from perf.machine.layout import Layout
from serving.device import Device
from serving.model.choice import ModelChoice
from serving.runtimes.choice import DockerSettings
from serving.spec import ServerSpec

_CONNECTIONS = 900  # select() in the client takes no file with a number above 1023


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a user chose, or left to its default."""

    profile_name: str

    profile: Profile
    """The profile, with the amounts that options changed."""

    scenarios: tuple[Scenario, ...]
    """The rows to measure, with the settings that options changed."""

    left_out: tuple[Scenario, ...]
    """The rows of the families asked for that this profile does not measure here."""

    reference: Scenario
    """The row that the others are compared with."""

    model: ModelChoice

    images: tuple[Path, ...]
    """The files that the jobs take in turn."""

    runtime: str
    """Where servers run, as asked for: auto, docker or process."""

    device: Device
    """What computes the model."""

    docker: DockerSettings

    cores: int
    """The whole number of cores that the run may use."""

    threads: int
    """Compute threads of a job that loads the model."""

    seed: int
    """Of the random order of the blocks."""

    arrivals_seed: int
    """Of the times at which jobs begin; the same in all runs that are compared."""

    repeat_options: tuple[str, ...]
    """The options that changed what is measured, to repeat the run."""

    budget_s: float | None
    """The time for all scenarios together that the user gave; None for no such limit."""

    amounts_asked: bool
    """Whether the user gave the number of images, pairs or launches."""

    against: str
    """The git revision or the folder to measure side by side with; empty for none."""

    sweep: str
    """The sweep to measure, and nothing else; empty for none."""

    confirm: bool
    """Whether a run that a baseline leaves open is settled side by side."""

    turn_s: float
    """How long one tree runs before the other, side by side; 0 for whole blocks."""

    port: int
    """The server's port; 0 for a free one."""

    startup_timeout_s: int

    job_timeout_s: int

    require_baseline: bool
    """Whether a scenario without a verdict fails."""

    limits: bool
    """Whether the model alone is measured in other layouts too."""

    cache: Path
    """The folder in which models are kept."""

    reports: Path
    """The folder to which reports are written."""

    history: Path | None
    """The folder of the history to which the results are added; None for none."""

    def reference_of(self, scenario: Scenario) -> Scenario:
        """Return the reference row, with the work of the row that it is compared with."""
        if scenario.work == self.reference.work:
            return self.reference
        return self.reference.changed({"work": scenario.work})

    def profile_of(self, scenario: Scenario) -> Profile:
        """Return the amounts that hold for a row."""
        if scenario.seeks_capacity:
            return self.profile.for_searches(asked=self.amounts_asked)
        return self.profile

    def budgets_s(self, scenarios: Sequence[Scenario]) -> dict[str, float]:
        """Return the time of each of these rows by its name; empty where launches count.

        The user's time is shared as the profile's would be. The profile's does not apply
        where the user asked for an amount.
        """
        minutes = {row.name: self.profile_of(row).budget_min or 0 for row in scenarios}
        whole_min = sum(minutes.values())
        if self.budget_s is not None:
            shares = {
                name: each / whole_min if whole_min else 1.0 / len(minutes)
                for name, each in minutes.items()
            }
            return {name: share * self.budget_s for name, share in shares.items()}
        if self.amounts_asked or not whole_min:
            return {}
        return {name: 60.0 * each for name, each in minutes.items()}

    def slots(self, scenario: Scenario) -> int:
        """Return how many jobs of a row run at a time."""
        if scenario.jobs == "cores":
            return self.cores
        return self.profile.jobs if scenario.jobs == "profile" else scenario.jobs

    def most_under_way(self, scenario: Scenario) -> int:
        """Return how many jobs of a row may run at a time if they begin by a schedule.

        Of a standing client it is the number of connections. Jobs that hold the model are
        limited by the memory, so there it is the profile's number of jobs.
        """
        return _CONNECTIONS if scenario.kind.served else self.profile.jobs

    def block_images(self, scenario: Scenario) -> int:
        """Return how many images one block of a row has."""
        if scenario.kind.reloads:
            return self.profile.reference_images
        return self.profile.block_images * scenario.block_factor

    def server_spec(self, scenario: Scenario) -> ServerSpec:
        """Return what a served row asks of its server here."""
        return scenario.server_spec(self.cores, self.startup_timeout_s, self.device)

    def layout(self, scenario: Scenario) -> Layout:
        """Return the processes, threads and batch of a row's yardstick.

        They are those of its arm, but at most one process a core.
        """
        if not scenario.kind.served:
            processes = min(self.slots(scenario), self.cores)
            return Layout(processes, self.threads, reload=scenario.kind.reloads)
        spec = self.server_spec(scenario)
        processes = min(spec.workers, self.cores)
        return Layout(processes, spec.threads_per_worker, spec.batch_size)
