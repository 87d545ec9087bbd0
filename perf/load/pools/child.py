"""The measuring process's side of the pool: ask for a block, get its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.child import Child

LAUNCHER, STANDING = "perf.load.pools.launcher", "perf.load.pools.standing"
_START_S = 120.0
_SLACK_S = 30.0


@dataclass(frozen=True, slots=True)
class BlockRun:
    """The records of a block, in order of completion, and its totals."""

    records: tuple[JobRecord, ...]
    totals: BlockTotals

    @property
    def duration_s(self) -> float:
        """From the first launch to the last end."""
        return self.totals.ended_s - self.totals.began_s


class JobPool:
    """A launcher process that is kept for the whole run. Not safe for several threads."""

    def __init__(
        self,
        job_module: str,
        env: Mapping[str, str] | None = None,
        *,
        launcher: str = LAUNCHER,
    ) -> None:
        """Start the launcher and wait until it has imported `job_module`.

        Raises ChildError where it cannot.
        """
        self._child = Child(launcher, env, arguments=(job_module,))
        try:
            self._child.receive(time.monotonic() + _START_S)
        except BaseException:
            self._child.stop()
            raise

    @property
    def pid(self) -> int:
        """The launcher's process id; the jobs are its children."""
        return self._child.pid

    def run(
        self, request: BlockRequest, on_record: Callable[[JobRecord], None] | None = None
    ) -> BlockRun:
        """Run one block and return it whole; failed jobs are among its records.

        `on_record` is called for each job as it ends. Raises ChildError where the
        launcher dies or falls silent for longer than a job's deadline.
        """
        self._child.send(request)
        records: list[JobRecord] = []
        while True:
            silence_s = request.deadline_s + _SLACK_S
            message = self._child.receive(time.monotonic() + silence_s)
            if isinstance(message, BlockTotals):
                return BlockRun(tuple(records), message)
            assert isinstance(message, JobRecord)
            records.append(message)
            if on_record:
                on_record(message)

    def stop(self) -> None:
        """End the launcher and any job that still runs."""
        self._child.stop()
