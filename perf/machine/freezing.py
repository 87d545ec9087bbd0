"""Stop a server while something else is measured.

A server that gets no requests may still use the CPU. The processes of Ray Serve, for
example, monitor each other and wake up a thousand times a second, which takes a tenth of a
core. That would slow the other arm, and the server would look faster in comparison. So its
processes are stopped, as a shell stops a job.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator

from perf.machine.processes import walk

_SHIM = "containerd-shim"
"""Docker's own process beside a container: while it is stopped, nobody can end that."""


@contextlib.contextmanager
def at_rest(roots: Iterable[int]) -> Iterator[None]:
    """Stop the process trees under `roots` (SIGSTOP) inside the block.

    Afterwards they continue (SIGCONT), also if the block raises. Processes that we may not
    signal keep running; `perf.machine.interference` shows how much CPU they use.
    """
    stopped: list[int] = []
    try:
        for _, pid, one in walk({"": tuple(roots)}):
            if one.name.startswith(_SHIM):
                continue
            stopped.append(pid)
            _send(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
