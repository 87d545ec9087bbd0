"""The pool "forked": a launcher process that forks a fresh process for every job.

The launcher is a fork server: small, single-threaded, and with everything that a job
needs imported beforehand. So forking is safe, and a job pays for no import, as in the
article, where the parent that forks has torch loaded too.

The job module offers `run(image: str, target: object) -> Answer`. It may offer
`prepare(target)`, which the launcher calls before it forks a block's jobs.
"""

from __future__ import annotations

import gc
import importlib
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import ClassVar

from perf.load.pools.block import serve_blocks
from perf.load.pools.child_pool import ChildPool
from perf.load.pools.job_process import JobDiedError, JobProcess, Reply, send_reply
from serving.child import open_pipe
from serving.work import Answer

Job = Callable[[str, object], Answer]
Prepare = Callable[[object], None]


class ForkedPool(ChildPool):
    """One fresh process for each job."""

    name: ClassVar[str] = "forked"
    program: ClassVar[str] = __name__


class ForkedProcesses:
    """Processes that run one job each."""

    def __init__(self, job: Job, prepare: Prepare | None, parent: Connection) -> None:
        """Run `job` in every process; `parent` is the pipe to the measuring process."""
        self._job = job
        self._prepare = prepare
        self._parent = parent
        self._target: object = None

    def prepare(self, target: object) -> None:
        """Let the job module get ready for `target`."""
        self._target = target
        if self._prepare:
            self._prepare(target)

    def begin(self, image: str) -> JobProcess:
        """Fork a process for the job."""

        def work(pipe: Connection) -> None:
            send_reply(pipe, lambda: self._job(image, self._target))

        return JobProcess.start(work, self._parent, duplex=False)

    def reply(self, process: JobProcess) -> Reply:
        """Receive the reply and wait for the process to end.

        Raises JobDiedError where there is no reply, or the process ended badly after it.
        """
        reply: Reply | None = None
        with suppress(EOFError, OSError):
            reply = process.receive()
        code = process.reap()
        if reply is None or code:
            raise JobDiedError(code)
        return reply

    def jobs_cpu_s(self) -> float:
        """Return the CPU time of all processes that have ended."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def close(self) -> None:
        """Do nothing: no process outlives its block."""


def main(parent: Connection, job_module: str) -> None:
    """Run blocks until the parent closes the pipe."""
    module = importlib.import_module(job_module)
    # The collector never touches frozen objects, so the jobs go on sharing their memory.
    gc.disable()
    gc.collect()
    gc.freeze()
    prepare = getattr(module, "prepare", None)
    serve_blocks(parent, ForkedProcesses(module.run, prepare, parent))


if __name__ == "__main__":
    main(open_pipe(), sys.argv[2])
