"""One process of the pace: it does a fixed piece of work on one core, again and again.

    python -m perf.machine.pace_process FD CORE

`perf.machine.pace` starts it. CORE is the number of the core to stay on, or `any`. A
request is a list of spans of the monotonic clock; the answer is what was measured in them.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from serving.child import open_pipe

SMALL, LARGE = 128, 256
"""Rows and columns of the matrices of the two products."""

PERIOD_S = 0.03
"""The pause between two samples, at least."""

MOST_OF_A_CORE = 0.0175
"""The share of a core that the process uses at most: a slow core is asked less often."""

_KEPT = 100_000  # samples: half an hour, longer than any block
_TRIMMED = 0.1
"""The share of the samples that is left out, the slowest: something else ran in them."""

_FASTEST = 0.1
"""No sample takes less than this share of the median, unless the clock stood still.

On some virtual machines a thread's CPU time does not always move on.
"""

Spans = tuple[tuple[float, float], ...]
"""A request: what was measured between these times? The spans are in order, and apart."""


class Samples(NamedTuple):
    """The answer."""

    number: int

    mean_log_s: float
    """Mean logarithm of the work's CPU time in seconds; 0 where `number` is 0."""

    cpu_s: float
    """The CPU time of this process since it was ready."""


def main() -> None:
    """Measure until the other end closes the pipe."""
    if sys.argv[2] != "any":
        os.sched_setaffinity(0, {int(sys.argv[2])})
    pipe, work = open_pipe(), _work()
    begun_s = used_s = time.process_time()
    samples: deque[tuple[float, float]] = deque(maxlen=_KEPT)
    pipe.send(_answer((), samples, 0.0))  # it is ready
    due_s = time.monotonic()
    try:
        while True:
            if asked := pipe.poll(max(0.0, due_s - time.monotonic())):
                pipe.send(_answer(pipe.recv(), samples, used_s - begun_s))
            elif took_s := work():
                samples.append((time.monotonic(), took_s))
            before_s, used_s = used_s, time.process_time()
            due_s = _next_s(due_s, time.monotonic(), used_s - before_s, asked=asked)
    except (EOFError, OSError):
        return


def _next_s(due_s: float, now_s: float, used_s: float, *, asked: bool) -> float:
    """Return when the next sample is due, after a sample or an answer that used CPU time.

    Each pays for itself with the pause after it. So no interval is dearer than
    `MOST_OF_A_CORE`, except by the last sample in it: a core that becomes slow does not
    spend what was saved while it was fast.
    """
    pause_s = used_s / MOST_OF_A_CORE
    return max(due_s, now_s) + pause_s if asked else now_s + max(PERIOD_S, pause_s)


def _work(clock_ns: Callable[[], int] = time.thread_time_ns) -> Callable[[], float | None]:
    """Return a function that does the work once, and returns its CPU time in seconds.

    None where the clock did not move on. The time is the geometric mean of the times of
    two products. The small one comes first. Its matrices were driven out of the cache since
    the last sample, so it tells how fast memory is. The large one tells more of how fast
    the core computes.
    """
    small, large = _product(SMALL), _product(LARGE)

    def work() -> float | None:
        begun_ns = clock_ns()
        small()
        between_ns = clock_ns()
        large()
        ended_ns = clock_ns()
        if not begun_ns < between_ns < ended_ns:
            return None
        return 1e-9 * math.sqrt((between_ns - begun_ns) * (ended_ns - between_ns))

    return work


def _product(size: int) -> Callable[[], object]:
    left = np.random.default_rng(0).random((size, size), dtype=np.float32)
    right, product = left.copy(), np.empty_like(left)
    return lambda: np.dot(left, right, out=product)


def _answer(wanted: Spans, samples: deque[tuple[float, float]], cpu_s: float) -> Samples:
    found = np.sort(list(_within(wanted, samples)))
    if not found.size:
        return Samples(0, 0.0, cpu_s)
    found = found[found >= _FASTEST * np.median(found)]
    logs = np.log(found[: found.size - int(_TRIMMED * found.size)])
    return Samples(found.size, float(logs.mean()), cpu_s)


def _within(wanted: Spans, samples: deque[tuple[float, float]]) -> Iterator[float]:
    """Yield what the samples in these spans took, the newest first."""
    waiting = list(wanted)
    # The newest samples are at the end, and are those that are asked for.
    for at_s, took_s in reversed(samples):
        while waiting and at_s < waiting[-1][0]:
            waiting.pop()
        if not waiting:
            return
        if at_s <= waiting[-1][1]:
            yield took_s


if __name__ == "__main__":
    # Pickled requests name this module, so their classes must not come from __main__.
    from perf.machine.pace_process import main as importable_main

    importable_main()
