"""How far the cores are from each other: what the host of a virtual machine may change.

A forward pass on several threads meets at a barrier after every layer, and hands what
one thread wrote to the others. On two virtual cores of an EPYC (Zen 4) a word takes 25 ns
from core to core at some times and 160 to 330 ns at others, for seconds or minutes, and the
same pass of a ResNet-152 145 ms or 200 ms: most likely the host moves a virtual core to
where it shares no cache with the other. Programs of one thread hardly feel it, so a
reference arm cannot show it. The time that a token takes around all cores does.

`python -m perf.corelatency FD` is the process that measures, with one more for each
other core; between two measurements they sleep.
"""

from __future__ import annotations

import mmap
import os
import signal
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise, repeat
from multiprocessing.connection import Connection, Pipe
from typing import NoReturn

from perf.machine import allowed_cores
from serving.child import Child, ChildError, serve

_CHUNKS = 5
_ROUNDS = 400  # of each chunk
_WARM_UP_ROUNDS = 300
_MOST_CORES = 8
_WORDS_APART = 16  # 128 bytes: two words never share what is moved from core to core
_SPINS = 2_000_000  # tens of milliseconds: nobody waits for a partner that is not there
_TIMEOUT_S = 10.0


class CoreLatency:
    """The processes that measure; `stop` ends them."""

    def __init__(self) -> None:
        """Start them; raises ChildError where they cannot be."""
        self._child = Child("perf.corelatency")

    @property
    def pid(self) -> int:
        """The root of their tree."""
        return self._child.pid

    def measure_ns(self) -> float | None:
        """Return the time of one step from core to core, in nanoseconds; takes 5 ms.

        It holds what the interpreter spends on a step, the same at every measurement.
        None where there is one core, or another program held one all the while. Raises
        ChildError where the processes do not answer.
        """
        try:
            answer = self._child.call(None, _TIMEOUT_S)
        except ChildError:
            self.stop()  # or a late answer would be taken for the next one
            raise
        assert answer is None or isinstance(answer, float)
        return answer

    def stop(self) -> None:
        """End the processes."""
        self._child.stop()


class _Ring:
    """The words that the token visits, one for each core, shared by all processes."""

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = cores
        self._memory = mmap.mmap(-1, 8 * _WORDS_APART * len(cores))
        self._words = memoryview(self._memory).cast("q")
        self._partners = [self._fork(place) for place in range(1, len(cores))]

    def measure_ns(self) -> float | None:
        """Send the token around; return the time of a step, or None where it was lost.

        It is the median over a few chunks: in one a process may have lost its core.
        """
        rounds = _WARM_UP_ROUNDS + _CHUNKS * _ROUNDS
        for word in range(len(self._cores)):
            self._words[word * _WORDS_APART] = 0
        for pipe in self._partners:
            pipe.send(rounds)
        os.sched_setaffinity(0, {self._cores[0]})
        arrived = self._send(range(1, _WARM_UP_ROUNDS + 1))
        times_ns = [time.perf_counter_ns()]
        for first in range(_WARM_UP_ROUNDS + 1, rounds + 1, _ROUNDS):
            arrived = arrived and self._send(range(first, first + _ROUNDS))
            times_ns.append(time.perf_counter_ns())
        os.sched_setaffinity(0, self._cores)
        whole = [pipe.recv() for pipe in self._partners]
        if not (arrived and all(whole)):
            return None
        chunk_ns = statistics.median(b - a for a, b in pairwise(times_ns))
        return chunk_ns / (_ROUNDS * len(self._cores))

    def _send(self, numbers: range) -> bool:
        """Send the token around once for each number; return whether it came back."""
        for number in numbers:
            self._words[_WORDS_APART] = number
            if not self._await(0, number):
                return False
        return True

    def _fork(self, place: int) -> Connection:
        ours, theirs = Pipe()
        if os.fork() == 0:
            ours.close()
            self._pass_on(place, theirs)
        theirs.close()
        return ours

    def _pass_on(self, place: int, pipe: Connection) -> NoReturn:
        os.sched_setaffinity(0, {self._cores[place]})
        following = (place + 1) % len(self._cores) * _WORDS_APART
        with suppress(EOFError, OSError):
            while True:
                rounds = pipe.recv()
                arrived = True
                for number in range(1, rounds + 1):
                    arrived = self._await(place, number)
                    if not arrived:
                        break
                    self._words[following] = number
                pipe.send(arrived)
        os._exit(0)

    def _await(self, place: int, number: int) -> bool:
        """Spin until the token has come; return whether it did."""
        words, here = self._words, place * _WORDS_APART
        for _ in repeat(None, _SPINS):  # noqa: SIM110 -- any() would cost a call a turn
            if words[here] == number:
                return True
        return False


def _main() -> None:
    cores = sorted(allowed_cores())[:_MOST_CORES]
    if len(cores) == 1 or not hasattr(os, "sched_setaffinity"):
        serve(lambda _: None)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ring = _Ring(cores)
    serve(lambda _: ring.measure_ns())


if __name__ == "__main__":
    _main()
