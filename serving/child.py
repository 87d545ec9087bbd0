"""A small Python process of ours that talks with us over one pipe.

The process that measures is pytest, with many modules and several threads. A child made by
`multiprocessing` would import pytest again, and one made by fork would copy locked locks.
So a child is started with `python -m MODULE`, in a session of its own. Each end sees the
other's death as the end of the pipe.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from serving.errors import PerfError
from serving.exit_code import in_words
from serving.temporary import naming_tmpdir

_ROOT = Path(__file__).parents[1]
_GRACE_S = 5.0


class ChildError(PerfError):
    """A child process died or did not answer in time."""


class Source(NamedTuple):
    """Where a child's program is taken from."""

    python: str
    """The interpreter."""

    root: Path
    """The folder of the project; the child runs in it."""


class Child:
    """One child process. `call` and `receive` block, at most until their time is over."""

    def __init__(
        self,
        module: str,
        env: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        source: Source | None = None,
    ) -> None:
        """Start `python -m module FD *arguments` with our environment and `env`.

        `source` is another tree that the module is taken from, and its Python. Raises
        TemporaryFolderError where its output cannot be kept.
        """
        self.module = module
        python, root = source or Source(sys.executable, _ROOT)
        with naming_tmpdir():
            self._log = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 -- `stop` closes it
        ours, theirs = Pipe()
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [python, "-m", module, str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Python looks for modules in the working folder first.
            cwd=root if source else None,
            env={**os.environ, **(env or {}), "PYTHONPATH": path},
            start_new_session=True,  # the terminal's Ctrl-C does not reach it; see stop
        )
        theirs.close()
        self._pipe = ours
        self._stopped = False
        self._group_ended = False

    @property
    def pid(self) -> int:
        """The child's process id, which is also that of its process group."""
        return self._process.pid

    def send(self, message: object) -> None:
        """Send one message. Raises ChildError where the child is dead."""
        try:
            self._pipe.send(message)
        except OSError:
            raise self._death() from None

    def receive(self, deadline_s: float) -> object:
        """Return the next message. Wait for it until the monotonic time `deadline_s`.

        Raises ChildError where the child dies before, or the time is over.
        """
        try:
            if not self._pipe.poll(max(0.0, deadline_s - time.monotonic())):
                raise ChildError(f"the process {self.module} did not answer in time")
            return self._pipe.recv()
        except (EOFError, OSError):
            raise self._death() from None

    def has_answered(self, timeout_s: float) -> bool:
        """Wait for a message, so long at most; return whether there is one.

        The end of the pipe counts as one: `receive` says why it ended.
        """
        try:
            return self._pipe.poll(timeout_s)
        except OSError:
            return True

    def call(self, request: object, timeout_s: float) -> object:
        """Send a request to a child that runs `serve`, and return its answer.

        Raises the PerfError that the child's function raised, or ChildError.
        """
        self.send(request)
        outcome = self.receive(time.monotonic() + timeout_s)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that the child wrote."""
        self._log.seek(0)
        tail = deque(self._log, maxlen=lines)
        return b"".join(tail).decode("utf-8", "replace").strip()

    def interrupt(self) -> None:
        """Ask the child to end, by SIGTERM, whatever it is doing."""
        self._process.terminate()

    def stop(self, grace_s: float | None = None) -> None:
        """Close the pipe, wait until the child ends, and kill what is left of its group.

        It may take `grace_s` seconds to end by itself; without, it is five. Idempotent: a
        later call does nothing, because another process may have the number by then.
        """
        if self._stopped:
            return
        self._pipe.close()
        try:
            self._process.wait(_GRACE_S if grace_s is None else grace_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._end_group()
            self._process.wait()
            self._log.close()
            self._stopped = True

    def _death(self) -> ChildError:
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return ChildError(f"the process {self.module} closed its pipe")
        self._end_group()  # now: later another process may have the number
        return ChildError(
            f"the process {self.module} died: {in_words(code)}\n{self.log_tail()}"
        )

    def _end_group(self) -> None:
        """Kill what is left of the child's process group, once."""
        if not self._group_ended:
            self._group_ended = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def open_pipe() -> Connection:
    """Return this child's end of the pipe; its number is the first argument."""
    return Connection(int(sys.argv[1]))


def serve(answer: Callable[[object], object]) -> None:
    """Answer requests one by one, until the other end closes the pipe.

    A PerfError is sent back. Any other error ends the child, with a traceback in the log.
    """
    pipe = open_pipe()
    with contextlib.suppress(EOFError):
        while True:
            request = pipe.recv()
            try:
                outcome = answer(request)
            except PerfError as error:
                outcome = error
            pipe.send(outcome)
