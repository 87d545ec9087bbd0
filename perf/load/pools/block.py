"""Run blocks of jobs: the child's side of `perf.load.pools.child_pool`.

The process that runs this stays small and single-threaded, so that forking is cheap and
safe. It never polls: it sleeps until a job or the parent sends something, until the
earliest deadline, or until the next job is due.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import NamedTuple, Protocol

from perf.load.arrivals.schedule import Due, Schedule
from perf.load.pools.job_process import JobDiedError, JobProcess, Reply
from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.work import Answer


class Processes(Protocol):
    """The job processes of one pool: new ones for each job, or some that stay."""

    def prepare(self, target: object) -> None:
        """Get ready for a block of jobs that are pointed at `target`."""

    def begin(self, image: str) -> JobProcess:
        """Give a job to a process, and set its `launched_s`."""

    def reply(self, process: JobProcess) -> Reply:
        """Receive the reply of a process whose pipe is ready.

        Raises JobDiedError where there is none; the process has ended then.
        """

    def jobs_cpu_s(self) -> float:
        """Return the CPU time of all jobs so far."""

    def close(self) -> None:
        """End the processes that no block is using."""


class ParentGoneError(Exception):
    """The process that asked for the block is dead, or has given up on it."""


class _Running(NamedTuple):
    due: Due
    process: JobProcess


class Block:
    """One block of jobs."""

    def __init__(
        self, processes: Processes, request: BlockRequest, parent: Connection
    ) -> None:
        """Prepare to run `request`; records go to `parent` one by one."""
        self._processes = processes
        self._request = request
        self._parent = parent
        self._running: dict[Connection, _Running] = {}

    def run(self) -> BlockTotals:
        """Run every job. Raises ParentGoneError; no job goes on after the call."""
        cpu_s, jobs_cpu_s = time.process_time(), self._processes.jobs_cpu_s()
        began_s = time.monotonic()
        request = self._request
        schedule = Schedule(request.arrivals, len(request.images), began_s)
        try:
            while schedule.jobs_left or self._running:
                self._begin_due(schedule)
                self._collect(schedule)
        finally:
            for job in self._running.values():
                job.process.kill()
        return BlockTotals(
            began_s,
            time.monotonic(),
            time.process_time() - cpu_s,
            self._processes.jobs_cpu_s() - jobs_cpu_s,
        )

    def _begin_due(self, schedule: Schedule) -> None:
        """Begin jobs that are due, while slots are free."""
        while self._slot_is_free and (due := schedule.take(time.monotonic())):
            process = self._processes.begin(self._request.images[due.job])
            self._running[process.pipe] = _Running(due, process)

    @property
    def _slot_is_free(self) -> bool:
        return len(self._running) < self._request.slots

    def _collect(self, schedule: Schedule) -> None:
        """Sleep until something happens; report the jobs that ended or are late."""
        ready = wait([*self._running, self._parent], self._sleep_s(schedule))
        if self._parent in ready:
            raise ParentGoneError
        for pipe in ready:
            assert isinstance(pipe, Connection)
            self._parent.send(self._ended(self._running.pop(pipe)))
        now_s = time.monotonic()
        for pipe, job in list(self._running.items()):
            if now_s - job.process.launched_s > self._request.deadline_s:
                job.process.kill()
                self._parent.send(self._late(self._running.pop(pipe)))

    def _sleep_s(self, schedule: Schedule) -> float:
        """Return how long it is until the earliest deadline or the next start."""
        now_s = time.monotonic()
        deadline_s = self._request.deadline_s
        waits_s = [
            job.process.launched_s + deadline_s - now_s for job in self._running.values()
        ]
        if self._slot_is_free:
            waits_s.append(schedule.wait_s(now_s))
        return max(0.0, min(waits_s))

    def _ended(self, job: _Running) -> JobRecord:
        """Return the record of a job whose process sent a reply or died."""
        try:
            reply = self._processes.reply(job.process)
        except JobDiedError as death:
            return _failed(job, str(death))
        if reply.ended_s - job.process.launched_s > self._request.deadline_s:
            return self._late(job)
        return _record(job, reply.started_s, reply.ended_s, reply.answer, reply.error)

    def _late(self, job: _Running) -> JobRecord:
        deadline_s = self._request.deadline_s
        return _failed(job, f"late: no answer within {deadline_s:g} s (--perf-job-timeout)")


def _failed(job: _Running, error: str) -> JobRecord:
    return _record(job, job.process.launched_s, time.monotonic(), (), error)


def _record(
    job: _Running, started_s: float, ended_s: float, answer: Answer, error: str
) -> JobRecord:
    scheduled_s, launched_s = job.due.scheduled_s, job.process.launched_s
    return JobRecord(
        image=job.due.job,
        scheduled_s=launched_s if scheduled_s is None else scheduled_s,
        launched_s=launched_s,
        started_s=started_s,
        ended_s=ended_s,
        answer=answer,
        error=error,
    )


def serve_blocks(parent: Connection, processes: Processes) -> None:
    """Say that jobs can begin, then run blocks until `parent` is closed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent.send(os.getpid())
    try:
        with suppress(EOFError, ParentGoneError, BrokenPipeError):
            while True:
                request = parent.recv()
                processes.prepare(request.target)
                parent.send(Block(processes, request, parent).run())
    finally:
        processes.close()
