"""The process that keeps jobs standing: each loads the model once, and takes many images.

It takes the place of `perf.load.pools.launcher` and speaks the same protocol:
`python -m perf.load.pools.standing FD JOB_MODULE`. The job module offers `load(target)`,
which returns a function from an image's path to its answer. A job that dies or is late is
replaced, and its image has failed. This process never polls: it sleeps until a job or the
parent sends something, or until the earliest deadline.
"""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import NoReturn

from perf.load.pools.launcher import ParentGoneError
from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.work import Answer

Load = Callable[[object], Callable[[str], Answer]]


@dataclass(slots=True)
class _Standing:
    """One job: its process, our end of its pipe, and the image that it is at, if any."""

    pid: int
    pipe: Connection
    image: int = 0
    launched_s: float = 0.0


class Crew:
    """Standing jobs, as many as the last block had slots."""

    def __init__(self, load: Load, parent: Connection) -> None:
        """Start with nobody; records go to `parent` one by one."""
        self._load = load
        self._parent = parent
        self._target: object = None
        self._idle: list[_Standing] = []
        self._busy: dict[Connection, _Standing] = {}
        self._jobs_cpu_s = 0.0

    def run(self, request: BlockRequest) -> BlockTotals:
        """Run every job of a block. Raises ParentGoneError.

        What it takes to load the model is part of the first block: a later one finds it.
        """
        if request.target != self._target:
            self.dismiss()
            self._target = request.target
        began_s, pool_s, self._jobs_cpu_s = time.monotonic(), time.process_time(), 0.0
        todo = iter(range(len(request.images)))
        while self._hand_out(todo, request) or self._busy:
            self._collect(request)
        return BlockTotals(
            began_s, time.monotonic(), time.process_time() - pool_s, self._jobs_cpu_s
        )

    def dismiss(self) -> None:
        """End every job."""
        for job in (*self._idle, *self._busy.values()):
            _end(job)
        self._idle.clear()
        self._busy.clear()

    def _hand_out(self, todo: Iterator[int], request: BlockRequest) -> bool:
        """Give images to jobs that have none; return whether any was given."""
        given = False
        while len(self._busy) < request.slots:
            image = next(todo, None)
            if image is None:
                break
            job = self._idle.pop() if self._idle else self._started()
            job.image, job.launched_s = image, time.monotonic()
            self._busy[job.pipe] = job
            with suppress(BrokenPipeError):  # its death is seen where it is waited for
                job.pipe.send(request.images[image])
            given = True
        return given

    def _started(self) -> _Standing:
        ours, theirs = Pipe()
        pid = os.fork()
        if pid == 0:
            ours.close()
            # Or the parent would not see this process's death before the jobs'.
            self._parent.close()
            _stand(self._load, self._target, theirs)
        theirs.close()
        return _Standing(pid, ours)

    def _collect(self, request: BlockRequest) -> None:
        """Wait for jobs to answer, to die or to be late, and report them."""
        deadline_s = request.deadline_s
        first_s = min(job.launched_s for job in self._busy.values())
        patience_s = first_s + deadline_s - time.monotonic()
        ready = wait([*self._busy, self._parent], max(0.0, patience_s))
        if self._parent in ready:
            raise ParentGoneError
        for pipe in ready:
            assert isinstance(pipe, Connection)
            self._parent.send(self._answered(self._busy.pop(pipe), deadline_s))
        now_s = time.monotonic()
        for job in list(self._busy.values()):
            if now_s - job.launched_s > deadline_s:
                _end(self._busy.pop(job.pipe))
                self._parent.send(_failed(job, _late(deadline_s)))

    def _answered(self, job: _Standing, deadline_s: float) -> JobRecord:
        """Return the record of a job whose pipe has spoken or closed."""
        try:
            started_s, ended_s, cpu_s, result, error = job.pipe.recv()
        except (EOFError, OSError):
            return _failed(job, f"died: {_end(job)}")
        self._jobs_cpu_s += cpu_s
        self._idle.append(job)
        if ended_s - job.launched_s > deadline_s:
            return _failed(job, _late(deadline_s))
        return JobRecord(job.image, job.launched_s, started_s, ended_s, result, error)


def _stand(load: Load, target: object, pipe: Connection) -> NoReturn:
    """Take images until the other end closes the pipe, and end this process."""
    code = 1
    try:
        # A model that cannot be loaded fails every image, as where every job loads it.
        answer: Callable[[str], Answer] | None = None
        while True:
            image = pipe.recv()
            started_s, cpu_s = time.monotonic(), time.process_time()
            try:
                answer = answer or load(target)
                result, error = answer(image), ""
            except Exception as fault:  # noqa: BLE001 -- whatever it was, the record tells it
                result, error = (), f"{type(fault).__name__}: {fault}"
            spent_s = time.process_time() - cpu_s
            pipe.send((started_s, time.monotonic(), spent_s, result, error))
    except (EOFError, OSError):
        code = 0
    finally:
        os._exit(code)


def _late(deadline_s: float) -> str:
    return f"late: no answer within {deadline_s:g} s (--perf-job-timeout)"


def _failed(job: _Standing, error: str) -> JobRecord:
    return JobRecord(job.image, job.launched_s, job.launched_s, time.monotonic(), (), error)


def _end(job: _Standing) -> str:
    """End a job, if it still runs; return how it ended."""
    job.pipe.close()
    os.kill(job.pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def main(parent: Connection, job_module: str) -> None:
    """Run blocks until the parent closes the pipe."""
    crew = Crew(importlib.import_module(job_module).load, parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent.send(os.getpid())
    try:
        with suppress(EOFError, ParentGoneError, BrokenPipeError):
            while True:
                parent.send(crew.run(parent.recv()))
    finally:
        crew.dismiss()


if __name__ == "__main__":
    import sys

    from perf.load.pools.standing import main as importable_main
    from serving.child import open_pipe

    importable_main(open_pipe(), sys.argv[2])
