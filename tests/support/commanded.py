"""A process that uses CPU, starts children or allocates memory when a test tells it to."""

from __future__ import annotations

import subprocess
import sys

# It reads one command a line, and answers each with one line.
_PROGRAM = """
import os, resource, sys, time

def burn(seconds):
    while time.process_time() < seconds:
        pass

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime

print("ready", flush=True)
for line in sys.stdin:
    word, *numbers = line.split()
    if word == "burn":
        burn(time.process_time() + float(numbers[0]))
        answer = used(resource.RUSAGE_SELF)
    elif word == "jobs":
        for _ in range(int(numbers[0])):
            os.waitpid(fork(lambda: burn(time.process_time() + float(numbers[1]))), 0)
        answer = used(resource.RUSAGE_SELF) + used(resource.RUSAGE_CHILDREN)
    elif word == "zombie":
        answer = fork(lambda: burn(time.process_time() + float(numbers[0])))
        os.waitid(os.P_PID, answer, os.WEXITED | os.WNOWAIT)
    elif word == "wait":
        answer = os.wait()[0]
    elif word == "share":
        block = b"x" * (int(numbers[0]) * 1024 * 1024)
        inlet, outlet = os.pipe()
        for _ in range(int(numbers[1])):
            fork(lambda: (os.close(outlet), os.read(inlet, 1)))
        answer = len(block)
    print(answer, flush=True)
"""


class CommandedProcess:
    """A process that takes these commands, each answered with a number.

    - `burn S`: use S seconds of CPU time; the answer is its CPU time so far.
    - `jobs N S`: run N children one after the other, each of which uses S seconds of CPU
      time; the answer is the CPU time of all, and its own, so far.
    - `zombie S`: start a child that uses S seconds and ends, and do not wait for it; the
      answer is the child's process id.
    - `wait`: wait for a child that has ended; the answer is its process id.
    - `share M N`: allocate M MiB and start N children that share it; they live until their
      parent ends.
    """

    def __init__(self) -> None:
        """Start the process."""
        command = [sys.executable, "-c", _PROGRAM]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        assert self.hear() == "ready"

    def hear(self) -> str:
        """Wait for its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, command: str) -> None:
        """Send a command, and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def ask(self, command: str) -> float:
        """Send a command, and wait for the answer."""
        self.tell(command)
        return float(self.hear())

    def end(self) -> None:
        """Kill it and wait for it; its children end when its pipe closes."""
        self._process.kill()
        self._process.communicate()
