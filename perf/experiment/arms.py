"""The two arms of a pair: jobs that load the model, and jobs that ask a server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from perf.experiment.answers import Counts, Expected
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.jobs.targets import Address, LocalModel
from perf.load.pools.base import BlockRun, OnRecord, Pool
from perf.load.record import BlockRequest
from perf.machine.page_cache import forget
from serving.backends.base import Backend, ServedModel, Server
from serving.runtimes.base import Runtime
from serving.spec import ServerSpec
from serving.work import CLASSIFICATION, Work


@dataclass(slots=True)
class Workload:
    """What the blocks of one arm consist of."""

    images: Sequence[str]
    """The paths of the images, which the jobs take in turn."""

    block_images: int
    """Images in a block."""

    slots: int
    """How many jobs run at a time, at most."""

    deadline_s: float
    """How long a job may take, from its launch."""

    expected: Expected
    """The right answers."""

    arrivals: Arrivals = field(default_factory=ClosedLoop)
    """When the jobs begin."""

    warm_up_images: int = 0
    """Images in the block that warms up a launch; 0 is one for each slot."""

    _taken: int = 0

    def take(self, count: int = 0) -> tuple[str, ...]:
        """Return the next `count` images, or `block_images`; starts again at the end."""
        begin, n = self._taken, count or self.block_images
        self._taken += n
        return tuple(self.images[i % len(self.images)] for i in range(begin, begin + n))


@dataclass(frozen=True, slots=True)
class MeasuredBlock:
    """One finished block. Its records refer to `images` by their place."""

    run: BlockRun
    images: tuple[str, ...]

    @property
    def throughput_rps(self) -> float:
        """Images a second over the whole block, from the first launch to the last end."""
        return len(self.images) / self.run.duration_s


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
        """Start a new server in place of the old one, if the arm has any."""

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


class _PoolArm(ABC):
    """What all arms have in common whose jobs run in a pool of this process."""

    def __init__(self, pool: Pool, workload: Workload) -> None:
        self.workload = workload
        self._pool = pool

    @property
    def slots(self) -> int:
        """How many jobs run at a time."""
        return self.workload.slots

    @property
    def block_images(self) -> int:
        """How many images a block has."""
        return self.workload.block_images

    def begin_relaunch(self) -> None:  # noqa: B027 -- nothing to begin, for either arm
        """Do nothing."""

    def warm_up(self) -> MeasuredBlock:
        """Run a block that is not measured."""
        workload = self.workload
        return self._run(workload.take(workload.warm_up_images or workload.slots), None)

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block."""
        return self._run(self.workload.take(), on_record)

    def check(self, block: MeasuredBlock) -> Counts:
        """Compare all answers of a block with the expected ones."""
        counts = Counts()
        counts.add(block.run.records, block.images, self.workload.expected)
        return counts

    def job_pids(self) -> tuple[int, ...]:
        """Return the processes of the pool."""
        return self._pool.root_pids()

    def host_pids(self) -> tuple[int, ...]:
        """Return nothing: this process runs the arm."""
        return ()

    @abstractmethod
    def _target(self) -> object:
        """Return what every job is pointed at."""

    def _run(self, images: tuple[str, ...], on_record: OnRecord | None) -> MeasuredBlock:
        workload = self.workload
        request = BlockRequest(
            images,
            workload.slots,
            workload.deadline_s,
            self._target(),
            workload.arrivals,
        )
        return MeasuredBlock(self._pool.run(request, on_record), images)


class LocalArm(_PoolArm):
    """An arm without a server: its jobs compute the model themselves."""

    def __init__(self, pool: Pool, model: LocalModel, workload: Workload) -> None:
        """Prepare to run jobs of `model` in `pool`."""
        super().__init__(pool, workload)
        self._model = model

    def relaunch(self) -> None:
        """Have the model's file read from disk again.

        Where a file lies in memory stays the same until then. It must differ between
        launches, because it differs between runs.
        """
        forget(Path(self._model.checkpoint))

    def observed(self) -> Mapping[str, int | str]:
        """Return nothing."""
        return {}

    def server_pids(self) -> tuple[int, ...]:
        """Return nothing."""
        return ()

    def describe(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def log_tail(self) -> str:
        """Return the empty string."""
        return ""

    def stop(self) -> None:
        """Do nothing."""

    def _target(self) -> LocalModel:
        return self._model


class ServedArm(_PoolArm):
    """An arm whose jobs ask one server. The server lives for one launch."""

    def __init__(  # noqa: PLR0913 -- a server and its clients need all of these
        self,
        *,
        pool: Pool,
        backend: Backend,
        model: ServedModel,
        spec: ServerSpec,
        runtime: Runtime,
        workload: Workload,
        preprocess: str = "",
        work: Work = CLASSIFICATION,
    ) -> None:
        """Prepare to run client jobs in `pool` against a server; none is started yet.

        `preprocess` is the path of the file that tells jobs how to make the model's
        input, for jobs that send tensors. `work` is what the jobs do.
        """
        super().__init__(pool, workload)
        self._preprocess = preprocess
        self._work = work
        self._start: Callable[[], Server] = partial(backend.start, model, spec, runtime)
        self._server: Server | None = None

    def relaunch(self) -> None:
        """Start a new server; raises ServerError where it does not become ready."""
        self.stop()
        self._server = self._start()

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server reports."""
        assert self._server is not None
        return self._server.observed()

    def server_pids(self) -> tuple[int, ...]:
        """Return the root processes of the server, if it runs."""
        return self._server.root_pids() if self._server else ()

    def describe(self) -> Mapping[str, str]:
        """Return what the runtime knows about the server."""
        return self._server.describe() if self._server else {}

    def log_tail(self) -> str:
        """Return the last lines of the server's log, if it runs."""
        return self._server.log_tail() if self._server else ""

    def stop(self) -> None:
        """Stop the server."""
        server, self._server = self._server, None
        if server:
            server.stop()

    def _target(self) -> Address:
        assert self._server is not None
        server = self._server
        return Address(
            server.host,
            server.port,
            server.predict_path,
            self.workload.deadline_s,
            self._preprocess,
            server.dialect,
            self._work.module,
        )
