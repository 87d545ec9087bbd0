"""Stop processes while something else is measured.

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
from dataclasses import dataclass

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
        for pid in _pids(roots):
            stopped.append(pid)
            _send(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            _send(pid, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Freezer:
    """Stops process trees and lets them continue, many times and fast."""

    groups: frozenset[int]
    """The process groups in the trees.

    A group is stopped as a whole, so no process that a member has just begun can escape.
    """

    pids: frozenset[int]
    """The processes whose group is not of the trees alone."""

    @classmethod
    def of(cls, roots: Iterable[int]) -> Freezer:
        """Find the groups and processes of the trees under `roots`, as they are now.

        A process that begins a group of its own later is not stopped.
        """
        found: dict[int, int] = {}
        for pid in _pids(roots):
            with contextlib.suppress(ProcessLookupError):
                found[pid] = os.getpgid(pid)
        # A group that a process of the trees leads was made there.
        groups = frozenset(group for group in found.values() if group in found)
        return cls(
            groups, frozenset(p for p, group in found.items() if group not in groups)
        )

    def stop(self) -> None:
        """Stop all of them (SIGSTOP)."""
        self._send(signal.SIGSTOP)

    def go(self) -> None:
        """Let all of them continue (SIGCONT)."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        for pid in self.pids:
            _send(pid, number)


def _pids(roots: Iterable[int]) -> Iterator[int]:
    for _, pid, one in walk({"": tuple(roots)}):
        if not one.name.startswith(_SHIM):
            yield pid


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
