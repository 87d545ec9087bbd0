"""How a process ended, in words that say what to do."""

from __future__ import annotations

import signal

_MORE = {
    signal.SIGKILL: "most likely because memory ran out: see `dmesg`, and use a lower "
    "--perf-jobs or --perf-workers, or a machine with more memory",
    signal.SIGSEGV: "it crashed in compiled code",
    signal.SIGBUS: "the disk or /dev/shm may be full",
    signal.SIGILL: "its code is for another CPU",
    signal.SIGHUP: "its terminal was closed",
    signal.SIGTERM: "another program ended it",
}


def in_words(code: int) -> str:
    """Return how a process with this exit code ended; -N stands for signal N."""
    if code >= 0:
        return f"exit code {code}"
    try:
        number = signal.Signals(-code)
    except ValueError:
        return f"ended by signal {-code}"
    verb = "killed" if number is signal.SIGKILL else "ended"
    said = f"{verb} by {number.name}"
    return f"{said}, {_MORE[number]}" if number in _MORE else said
