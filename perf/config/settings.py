"""The settings of a run: everything that a user chose, checked and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perf.config.table import Profile, Scenario
from perf.machine.yardstick import Layout
from serving.device import Device
from serving.model.choice import ModelChoice
from serving.runtimes.choice import DockerSettings
from serving.spec import ServerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a user chose, or left to its default.

    `cores` is the whole number of cores that the run may use; `scenarios` are the rows
    to measure, and `left_out` those that this profile does not measure here.
    """

    profile_name: str
    profile: Profile
    scenarios: tuple[Scenario, ...]
    left_out: tuple[Scenario, ...]
    reference: Scenario
    model: ModelChoice
    images: tuple[Path, ...]
    runtime: str
    device: Device
    docker: DockerSettings
    cores: int
    threads: int
    seed: int
    budget_s: float | None
    budget_asked: bool
    port: int
    startup_timeout_s: int
    job_timeout_s: int
    require_baseline: bool
    limits: bool
    cache: Path
    reports: Path

    def slots(self, scenario: Scenario) -> int:
        """Return how many jobs of a row run at a time."""
        if scenario.jobs == "cores":
            return self.cores
        return self.profile.jobs if scenario.jobs == "profile" else scenario.jobs

    def block_images(self, scenario: Scenario) -> int:
        """Return how many images one block of a row has."""
        if scenario.arm == "decentralized":  # where every job loads the model
            return self.profile.reference_images
        return self.profile.block_images * scenario.block_factor

    def server_spec(self, scenario: Scenario) -> ServerSpec:
        """Return what a served row asks of its server here."""
        return scenario.server_spec(self.cores, self.startup_timeout_s, self.device)

    def layout(self, scenario: Scenario) -> Layout:
        """Return how a row spreads the model; at most one process a core."""
        if scenario.arm != "served":
            processes = min(self.slots(scenario), self.cores)
            reload = scenario.arm == "decentralized"
            return Layout(processes, self.threads, reload=reload)
        spec = self.server_spec(scenario)
        processes = min(spec.workers, self.cores)
        return Layout(processes, spec.threads_per_worker, spec.batch_size)
