"""The pool "standing": jobs that stay, each of which loads its model only once.

The job module offers `load(target)`, which returns a function from an image's path to its
answer. A process that dies or is late is replaced, and its job has failed.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import ClassVar

from perf.load.pools.block import serve_blocks
from perf.load.pools.child_pool import ChildPool
from perf.load.pools.job_process import JobDiedError, JobProcess, Reply, send_reply
from serving.child import open_pipe
from serving.work import Answer

Load = Callable[[object], Callable[[str], Answer]]


class StandingPool(ChildPool):
    """Processes that take one job after the other, in this block and the next ones."""

    name: ClassVar[str] = "standing"
    program: ClassVar[str] = __name__


class StandingProcesses:
    """As many processes as there were slots in use at a time."""

    def __init__(self, load: Load, parent: Connection) -> None:
        """Start no process yet; `parent` is the pipe to the measuring process."""
        self._load = load
        self._parent = parent
        self._target: object = None
        self._idle: list[JobProcess] = []
        self._jobs_cpu_s = 0.0

    def prepare(self, target: object) -> None:
        """End the processes that were pointed at another target.

        New processes load the model in their first job, so the first block includes it.
        """
        if target != self._target:
            self.close()
            self._target = target

    def begin(self, image: str) -> JobProcess:
        """Give the job to an idle process, or to a new one."""
        process = self._idle.pop() if self._idle else self._started()
        process.launched_s = time.monotonic()
        with suppress(BrokenPipeError):  # `reply` sees that the process is dead
            process.pipe.send(image)
        return process

    def reply(self, process: JobProcess) -> Reply:
        """Receive the reply; raises JobDiedError where there is none."""
        try:
            reply = process.receive()
        except (EOFError, OSError):
            raise JobDiedError(process.kill()) from None
        self._jobs_cpu_s += reply.cpu_s
        self._idle.append(process)
        return reply

    def jobs_cpu_s(self) -> float:
        """Return the CPU time of all jobs that have replied."""
        return self._jobs_cpu_s

    def close(self) -> None:
        """End the idle processes."""
        for process in self._idle:
            process.kill()
        self._idle.clear()

    def _started(self) -> JobProcess:
        def work(pipe: Connection) -> None:
            _take_images(self._load, self._target, pipe)

        return JobProcess.start(work, self._parent, duplex=True)


def _take_images(load: Load, target: object, pipe: Connection) -> None:
    """Run a job for each image that comes, until the other end closes the pipe."""
    answer_to: Callable[[str], Answer] | None = None

    def job(image: str) -> Answer:
        nonlocal answer_to
        # Loading is part of the job: a model that cannot be loaded fails every image.
        answer_to = answer_to or load(target)
        return answer_to(image)

    with suppress(EOFError, OSError):
        while True:
            send_reply(pipe, partial(job, pipe.recv()))


def main(parent: Connection, job_module: str) -> None:
    """Run blocks until the parent closes the pipe."""
    load = importlib.import_module(job_module).load
    serve_blocks(parent, StandingProcesses(load, parent))


if __name__ == "__main__":
    main(open_pipe(), sys.argv[2])
