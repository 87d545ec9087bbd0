"""A pool whose jobs are started by one child process: the measuring process's side.

The child is `python -m PROGRAM FD JOB_MODULE`. It says when it is ready; then it takes a
BlockRequest, sends a JobRecord as each job ends, and BlockTotals after the last one.
`perf.load.pools.block` is its side of this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from perf.load.arrivals.schedule import longest_gap_s
from perf.load.pools.base import BlockRun, OnRecord
from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.child import Child, ChildError

_START_S = 120.0
_SLACK_S = 30.0


class ChildPool:
    """A pool that is one child process; its jobs are the child's own.

    A subclass names the module that the child runs.
    """

    program: ClassVar[str]

    def __init__(self, job_module: str, env: Mapping[str, str]) -> None:
        """Start the child and wait until it has imported `job_module`.

        `env` is added to our environment. Raises ChildError where the child cannot start.
        """
        self._job_module = job_module
        self._env = env
        self._child = self._started()
        self._is_used = False

    def run(self, request: BlockRequest, on_record: OnRecord | None = None) -> BlockRun:
        """Run one block; failed jobs are among its records.

        Raises ChildError where the child dies, or is silent for longer than the jobs'
        deadline and schedule explain.
        """
        self._is_used = True
        silence_s = self.silence_s(request) + _SLACK_S
        self._child.send(request)
        records: list[JobRecord] = []
        while True:
            message = self._child.receive(time.monotonic() + silence_s)
            if isinstance(message, BlockTotals):
                break
            assert isinstance(message, JobRecord)
            records.append(message)
            if on_record:
                on_record(message)
        if len(records) != len(request.images):
            raise ChildError(
                f"the process {self.program} reported {len(records)} of "
                f"{len(request.images)} jobs"
            )
        return BlockRun(tuple(records), message)

    def relaunch(self) -> None:
        """End the child and start a new one, unless it has run no block yet.

        Raises ChildError.
        """
        if self._is_used:
            self._child.stop()
            self._child = self._started()
            self._is_used = False

    def silence_s(self, request: BlockRequest) -> float:
        """Return how long the child may send nothing."""
        gap_s = longest_gap_s(request.arrivals, len(request.images))
        return request.deadline_s + gap_s

    def root_pids(self) -> tuple[int, ...]:
        """Return the child; the jobs are its children."""
        return (self._child.pid,)

    def stop(self) -> None:
        """End the child and every job that still runs; idempotent."""
        self._child.stop()

    def _started(self) -> Child:
        child = Child(self.program, self._env, arguments=(self._job_module,))
        try:
            child.receive(time.monotonic() + _START_S)
        except BaseException:
            child.stop()
            raise
        return child
