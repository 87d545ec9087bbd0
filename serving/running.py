"""Run another command to its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_BY_SIGNAL = 128  # added to the number of a signal, it is the exit code that shells give
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def run_to_end(command: Sequence[str], folder: Path, output: IO[str] | None = None) -> int:
    """Run `command` in `folder` and return its exit code.

    If `output` is given, the command writes there. Ctrl-C reaches the command too, and
    SIGTERM and SIGHUP are passed on to it. It then stops the servers that it started. So it
    is waited for, and SystemExit is raised afterwards.
    """
    with _passed_on() as (children, received):
        errors = None if output is None else subprocess.STDOUT
        with subprocess.Popen(command, cwd=folder, stdout=output, stderr=errors) as child:
            children.append(child)
            for number in received[:1]:  # before there was a process to pass it on to
                child.send_signal(number)
            while True:
                try:
                    code = child.wait()
                    break
                except KeyboardInterrupt:
                    received.append(signal.SIGINT)
    if received:
        sys.exit(_BY_SIGNAL + received[0])
    return code


@contextmanager
def _passed_on() -> Iterator[tuple[list[subprocess.Popen[bytes]], list[int]]]:
    """Pass signals on to the processes in the first list, and note them in the second."""
    children: list[subprocess.Popen[bytes]] = []
    received: list[int] = []

    def pass_on(number: int, _: object) -> None:
        received.append(number)
        for child in children:
            child.send_signal(number)

    # One that is ignored stays so: `nohup` makes a command outlive its terminal.
    found = {number: signal.getsignal(number) for number in _PASSED_ON}
    before = {
        number: handler for number, handler in found.items() if handler != signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, pass_on)
    try:
        yield children, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
