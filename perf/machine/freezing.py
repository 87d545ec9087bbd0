"""Keep a server at rest while others are measured.

Nobody asks it, and yet it may wake up a thousand times a second: Ray Serve's processes,
which look after each other, together use a tenth of a core. What is measured meanwhile
would lack it, and the server look faster beside that. So it is stopped, as a shell stops
a job.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator

from perf.machine.processes import walk


@contextlib.contextmanager
def at_rest(roots: Iterable[int]) -> Iterator[None]:
    """Stop the trees under `roots` (SIGSTOP), and let them go on in every ending.

    Those that we may not stop go on all through: the share of the CPU that they use is
    for others to judge.
    """
    stopped: list[int] = []
    try:
        for _, pid, _ in walk({"": tuple(roots)}):
            stopped.append(pid)
            _tell(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            _tell(pid, signal.SIGCONT)


def _tell(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
