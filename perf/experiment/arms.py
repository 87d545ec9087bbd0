"""The arms of a pair, as the experiment sees them, and the blocks that they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from perf.experiment.answers import Counts
from perf.load.pools.base import BlockRun, OnRecord
from perf.stats.capacity import Probe


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for the capacity found."""

    capacity_rps: float
    """The highest rate that met the SLO."""

    closed_rps: float
    """The throughput of a closed loop in the same launch."""

    share: float
    """The share of good requests that the SLO asks for."""

    probes: tuple[Probe, ...]

    jobs_pile_up: bool = False
    """Whether each request is a process of its own.

    Then memory grows with the highest rate that was tried, and says nothing of the jobs.
    """


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """One finished block. Its records refer to `images` by their place."""

    run: BlockRun
    images: tuple[str, ...]

    found: Found | None = None
    """What it found, if it was a search for the capacity."""

    goodput_rps: float | None = None
    """Good requests a second, if they were offered at a fixed rate."""

    beside: int = 0
    """Further images that were computed in the same time, but are not part of the block.

    They are those of requests that had to be offered again, and of closed loops.
    """

    @property
    def computed(self) -> int:
        """Over how many images the CPU time of the block is spread."""
        return len(self.images) + self.beside

    @property
    def throughput_rps(self) -> float:
        """Images a second over the whole block, from the first launch to the last end."""
        return len(self.images) / self.run.duration_s

    @property
    def figure(self) -> str:
        """By what the block is judged: throughput, goodput or capacity."""
        if self.found:
            return "capacity"
        return "throughput" if self.goodput_rps is None else "goodput"

    @property
    def judged_rps(self) -> float:
        """The value of that figure, in images a second."""
        if self.found:
            return self.found.capacity_rps
        return self.throughput_rps if self.goodput_rps is None else self.goodput_rps


class Arm(Protocol):
    """One side of a pair.

    `relaunch` is called before the first block of a launch, `stop` at the end.
    """

    @property
    def slots(self) -> int:
        """How many of its jobs run at a time."""

    @property
    def block_images(self) -> int:
        """How many images a block has."""

    def begin_relaunch(self) -> None:
        """Begin what `relaunch` does, if the arm can do it meanwhile."""

    def relaunch(self) -> None:
        """Start new jobs, and a new server in place of the old one if the arm has any."""

    def warm_up(self) -> MeasuredBlock:
        """Run a block that is not measured."""

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block. `on_record` is called for each job as it ends."""

    def check(self, block: MeasuredBlock) -> Counts:
        """Return how many of the jobs of the arm's last block were bad."""

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server reports.

        Raises ServerError where they are not those that were asked for.
        """

    def job_pids(self) -> tuple[int, ...]:
        """Return the root processes of the jobs."""

    def server_pids(self) -> tuple[int, ...]:
        """Return the root processes of the server."""

    def host_pids(self) -> tuple[int, ...]:
        """Return the process that runs the arm, where it is not this one."""

    def describe(self) -> Mapping[str, str]:
        """Return facts about the server for the report."""

    def log_tail(self) -> str:
        """Return the last lines of the server's log, or the empty string."""

    def stop(self) -> None:
        """Stop the server, if there is one. A second call does nothing."""
