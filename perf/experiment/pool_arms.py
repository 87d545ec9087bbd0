"""The arms whose jobs run in a pool of this process.

Their jobs load the model, or ask a server.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from perf.experiment.answers import Counts
from perf.experiment.arms import MeasuredBlock
from perf.experiment.workload import Workload
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.jobs.targets import Address, LocalModel
from perf.load.pools.base import OnRecord, Pool
from perf.load.record import BlockRequest
from perf.machine.page_cache import forget
from perf.stats.offered import Offered, Request
from serving.backends.base import Backend, ServedModel, Server
from serving.runtimes.base import Runtime
from serving.spec import ServerSpec
from serving.work import CLASSIFICATION, Work


class PoolArm(ABC):
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
        return self.offer(ClosedLoop(), workload.warm_up_images or workload.slots)

    def block(self, on_record: OnRecord | None = None) -> MeasuredBlock:
        """Run one block."""
        return self.offer(ClosedLoop(), self.workload.block_images, on_record)

    def offer(
        self,
        arrivals: Arrivals,
        jobs: int,
        on_record: OnRecord | None = None,
    ) -> MeasuredBlock:
        """Run `jobs` jobs that begin as `arrivals` says."""
        workload = self.workload
        images, slots = workload.take(jobs), workload.slots
        if arrivals.rate_rps is not None:
            slots = workload.most_under_way or slots
        deadline_s = workload.deadline_s
        request = BlockRequest(images, slots, deadline_s, self._target(), arrivals)
        return MeasuredBlock(self._pool.run(request, on_record), images)

    def offered(self, block: MeasuredBlock) -> Offered:
        """Return the times of a block's jobs, and which answers were right."""
        expected = self.workload.expected
        return Offered(
            [
                Request(
                    one.scheduled_s,
                    one.launched_s,
                    one.ended_s,
                    not one.error
                    and not expected.difference(block.images[one.image], one.answer),
                )
                for one in block.run.records
            ]
        )

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
    def relaunch(self) -> None:
        """Start a new server, if there is one."""

    @abstractmethod
    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server reports."""

    @abstractmethod
    def server_pids(self) -> tuple[int, ...]:
        """Return the root processes of the server."""

    @abstractmethod
    def describe(self) -> Mapping[str, str]:
        """Return facts about the server."""

    @abstractmethod
    def log_tail(self) -> str:
        """Return the last lines of the server's log."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server, if there is one."""

    @abstractmethod
    def _target(self) -> object:
        """Return what every job is pointed at."""


class LocalArm(PoolArm):
    """An arm without a server: its jobs compute the model themselves."""

    def __init__(self, pool: Pool, model: LocalModel, workload: Workload) -> None:
        """Prepare to run jobs of `model` in `pool`."""
        super().__init__(pool, workload)
        self._model = model

    def relaunch(self) -> None:
        """Start the pool anew, and have the model's file read from disk again.

        Where a process and a file lie in memory stays the same until then. It must differ
        between launches, because it differs between runs.
        """
        self._pool.relaunch()
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


class ServedArm(PoolArm):
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
        """Start a new server and new jobs; raises ServerError where it is not ready."""
        self.stop()
        self._pool.relaunch()
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
