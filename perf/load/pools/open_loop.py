"""The pool "open": one standing client that sends requests at their scheduled times.

A process that is forked for every request pays its own start as lateness. So all requests
of a block are sent by one process, with one event loop and connections that are kept. It
is `perf.load.pools.open_loop_child`.
"""

from __future__ import annotations

from typing import ClassVar

from perf.load.arrivals.schedule import last_start_s
from perf.load.pools.child_pool import ChildPool
from perf.load.record import BlockRequest


class OpenLoopPool(ChildPool):
    """One process for all requests. The job module must offer `body_of`."""

    name: ClassVar[str] = "open"
    program: ClassVar[str] = "perf.load.pools.open_loop_child"

    def silence_s(self, request: BlockRequest) -> float:
        """Return how long a whole block takes: the records come at its end."""
        last_s = last_start_s(request.arrivals, len(request.images))
        closed_s = len(request.images) * request.deadline_s / request.slots
        return last_s + closed_s + request.deadline_s
