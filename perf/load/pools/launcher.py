"""The process that forks the jobs: one fresh process for each, at most N at a time.

It plays the fork server: small, single-threaded, and with everything that a job needs
imported beforehand, so that forking is safe and a job pays no import. That is what a
job costs in the article, where a parent with torch loaded forks too. Run as
`python -m perf.load.pools.launcher FD JOB_MODULE`; the job module offers
`run(image: str, target: object) -> Answer`, and may offer `prepare(target)`, which is
called here before a block's jobs are forked.

It never polls: it sleeps until a job's pipe or the parent's has something to say, or
until the earliest deadline. Jobs are forked by the system call, with multiprocessing's
pipes: its Process does the same, and costs a client job a quarter more CPU.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import NoReturn

from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.work import Answer

Job = Callable[[str, object], Answer]


@dataclass(slots=True)
class _Running:
    pid: int
    pipe: Connection
    image: int
    launched_s: float


class ParentGoneError(Exception):
    """The process that asked for the block is dead, or has given up on it."""


class Block:
    """One block of jobs, from the first launch to the last end."""

    def __init__(self, job: Job, request: BlockRequest, parent: Connection) -> None:
        """Prepare to run `request`; records go to `parent` one by one."""
        self._job = job
        self._request = request
        self._parent = parent
        self._running: dict[Connection, _Running] = {}

    def run(self) -> BlockTotals:
        """Run every job. Raises ParentGoneError; no job outlives the call."""
        began_s, pool_s, jobs_s = time.monotonic(), _cpu_s(), _cpu_s(children=True)
        todo = iter(range(len(self._request.images)))
        try:
            while self._fill(todo) or self._running:
                self._collect()
        finally:
            for job in self._running.values():
                _end(job)
        ended_s = time.monotonic()
        return BlockTotals(
            began_s, ended_s, _cpu_s() - pool_s, _cpu_s(children=True) - jobs_s
        )

    def _fill(self, todo: Iterator[int]) -> bool:
        """Launch jobs while slots are free; return whether any was launched."""
        launched = False
        while len(self._running) < self._request.slots:
            image = next(todo, None)
            if image is None:
                break
            self._launch(image)
            launched = True
        return launched

    def _launch(self, image: int) -> None:
        launched_s = time.monotonic()
        ours, theirs = Pipe(duplex=False)
        pid = os.fork()
        if pid == 0:
            # Or the parent would not see the launcher's death before the last job's end.
            self._parent.close()
            _be_a_job(self._job, self._request.images[image], self._request.target, theirs)
        theirs.close()
        self._running[ours] = _Running(pid, ours, image, launched_s)

    def _collect(self) -> None:
        """Wait for jobs to end or to be late, and report those that did."""
        first = min(job.launched_s for job in self._running.values())
        patience_s = first + self._request.deadline_s - time.monotonic()
        ready = wait([*self._running, self._parent], max(0.0, patience_s))
        if self._parent in ready:
            raise ParentGoneError
        for pipe in ready:
            assert isinstance(pipe, Connection)
            self._parent.send(_finished(self._running.pop(pipe), self._request.deadline_s))
        now_s = time.monotonic()
        for pipe, job in list(self._running.items()):
            if now_s - job.launched_s > self._request.deadline_s:
                _end(self._running.pop(pipe))
                self._parent.send(_late(job, self._request.deadline_s))


def _be_a_job(job: Job, image: str, target: object, pipe: Connection) -> NoReturn:
    """Run one job and end this process, without a word to what the launcher left open."""
    code = 1
    try:
        started_s = time.monotonic()
        try:
            result, error = job(image, target), ""
        except Exception as fault:  # noqa: BLE001 -- whatever it was, the record tells it
            result, error = (), f"{type(fault).__name__}: {fault}"
        pipe.send((started_s, time.monotonic(), result, error))
        code = 0
    finally:
        os._exit(code)


def _finished(job: _Running, deadline_s: float) -> JobRecord:
    """Return the record of a job whose pipe has spoken or closed."""
    message = None
    with suppress(EOFError):
        message = job.pipe.recv()
    job.pipe.close()
    code = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
    if message is None or code:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return _failed(job, f"died: {how}")
    started_s, ended_s, result, error = message
    if ended_s - job.launched_s > deadline_s:
        return _late(job, deadline_s)
    return JobRecord(job.image, job.launched_s, started_s, ended_s, result, error)


def _late(job: _Running, deadline_s: float) -> JobRecord:
    return _failed(job, f"late: no answer within {deadline_s:g} s (--perf-job-timeout)")


def _failed(job: _Running, error: str) -> JobRecord:
    now_s = time.monotonic()
    return JobRecord(job.image, job.launched_s, job.launched_s, now_s, (), error)


def _end(job: _Running) -> None:
    os.kill(job.pid, signal.SIGKILL)
    os.waitpid(job.pid, 0)
    job.pipe.close()


def _cpu_s(*, children: bool = False) -> float:
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _nothing(_target: object) -> None:
    """Prepare nothing: a job does it all."""


def main(parent: Connection, job_module: str) -> None:
    """Run blocks until the parent closes the pipe."""
    module = importlib.import_module(job_module)
    prepare = getattr(module, "prepare", _nothing)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Frozen objects are never touched by the collector, so forks go on sharing them.
    gc.disable()
    gc.collect()
    gc.freeze()
    parent.send(os.getpid())
    with suppress(EOFError, ParentGoneError, BrokenPipeError):
        while True:
            request = parent.recv()
            prepare(request.target)
            parent.send(Block(module.run, request, parent).run())


if __name__ == "__main__":
    import sys

    from perf.load.pools.launcher import main as importable_main
    from serving.child import open_pipe

    importable_main(open_pipe(), sys.argv[2])
