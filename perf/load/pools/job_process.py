"""A process that runs jobs, as the process that forked it sees it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import NamedTuple, NoReturn, Self

from serving.exit_code import in_words
from serving.work import Answer


class Reply(NamedTuple):
    """What a job's process sends when the job has ended."""

    started_s: float
    ended_s: float
    cpu_s: float
    """CPU time of the job's work; not that of the process's start and end."""
    answer: Answer
    error: str
    """What the job raised; empty for a job that answered."""


class JobDiedError(Exception):
    """A job's process ended without a reply."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"died: {in_words(exit_code)}")


@dataclass(slots=True)
class JobProcess:
    """A forked process, and our end of the pipe to it."""

    pid: int
    pipe: Connection
    launched_s: float
    """When it was asked to run its present job."""

    @classmethod
    def start(
        cls, work: Callable[[Connection], None], parent: Connection, *, duplex: bool
    ) -> Self:
        """Fork a process that calls `work` with its end of a new pipe, and then ends.

        `parent` is the pipe to the measuring process. The new process closes it, so that
        this process's death is seen there at once. Forking is done by the system call:
        multiprocessing's Process costs a client job a quarter more CPU.
        """
        launched_s = time.monotonic()
        ours, theirs = Pipe(duplex)
        pid = os.fork()
        if pid == 0:
            ours.close()
            parent.close()
            _work_and_exit(work, theirs)
        theirs.close()
        return cls(pid, ours, launched_s)

    def receive(self) -> Reply:
        """Receive what the process sent. Raises EOFError or OSError where it is dead."""
        return Reply(*self.pipe.recv())

    def reap(self) -> int:
        """Wait for the process to end; return its exit code, -N for signal N."""
        self.pipe.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> int:
        """End the process if it still runs; return its exit code, -N for signal N."""
        os.kill(self.pid, signal.SIGKILL)
        return self.reap()


def send_reply(pipe: Connection, work: Callable[[], Answer]) -> None:
    """Call `work`, and send what came of it to the process that forked this one."""
    started_s, cpu_s = time.monotonic(), time.process_time()
    try:
        answer, error = work(), ""
    except Exception as fault:  # noqa: BLE001 -- the record tells what it was
        answer, error = (), f"{type(fault).__name__}: {fault}"
    ended_s = time.monotonic()
    # A plain tuple: with a Reply, a forked process has a tenth more page faults.
    pipe.send((started_s, ended_s, time.process_time() - cpu_s, answer, error))


def _work_and_exit(work: Callable[[Connection], None], pipe: Connection) -> NoReturn:
    """Do the work, then end this process at once, without any clean-up."""
    code = 1
    try:
        work(pipe)
        code = 0
    finally:
        os._exit(code)
