"""Let stopped processes continue if the process that stopped them dies.

    python -m perf.machine.thawing_process FD

A process that was stopped cannot notice that. It would stay for ever, with its memory. The
parent sends the process groups and processes that it is about to stop, and nothing when it
stops no more. When the pipe closes, the last ones that it sent continue.
"""

from __future__ import annotations

import contextlib

from perf.machine.freezing import Freezer
from serving.child import open_pipe


def main() -> None:
    """Wait until the other end closes the pipe."""
    pipe, last = open_pipe(), Freezer(frozenset(), frozenset())
    with contextlib.suppress(EOFError, OSError):
        while True:
            groups, pids = pipe.recv()
            last = Freezer(groups, pids)
            pipe.send(None)  # it is safe to stop them now
    last.go()


if __name__ == "__main__":
    main()
