"""One block of requests that are sent at their scheduled times, in one event loop.

A request that finds no free slot waits, is sent as soon as one is free, and is late. None
is skipped.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp

from perf.load.arrivals.schedule import Due, Schedule
from perf.load.jobs.client import JSON_BYTES
from perf.load.jobs.targets import Address
from perf.load.record import BlockRequest

_HEAD_START_S = 0.05  # until the block's begin


class Body(NamedTuple):
    """What a request sends."""

    content: bytes
    headers: dict[str, str]


class Reply(NamedTuple):
    """What came of a request."""

    due: Due
    sent_s: float
    ended_s: float
    status: int = 0
    text: bytes = b""
    json_bytes: str | None = None
    error: str = ""


class Ended(NamedTuple):
    """What came of a block."""

    began_s: float
    under_way_s: float
    replies: list[Reply]


class Block:
    """One block of requests, sent in the running event loop."""

    def __init__(
        self, request: BlockRequest, bodies: Sequence[Body], session: aiohttp.ClientSession
    ) -> None:
        """Prepare to send `bodies`, one for each image of the request."""
        assert isinstance(request.target, Address)
        target = request.target
        self._url = f"http://{target.host}:{target.port}{target.path}"
        self._request = request
        self._bodies = bodies
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._began_s = time.monotonic() + _HEAD_START_S
        self._schedule = Schedule(request.arrivals, len(request.images), self._began_s)
        self._closed = request.arrivals.rate_rps is None
        self._waiting: deque[Due] = deque()  # due, but without a free slot
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: list[Reply] = []
        self._timer: asyncio.TimerHandle | None = None
        self._all_ended = self._loop.create_future()
        self._counted_s = self._began_s
        self._under_way_s = 0.0

    async def run(self) -> Ended:
        """Send every request."""
        if self._schedule.jobs_left:
            self._loop.call_at(self._began_s, self._go_on)
            await self._all_ended
        return Ended(self._began_s, self._under_way_s, self._replies)

    def _go_on(self) -> None:
        """Send what is due, as far as slots are free, and come again for what is next."""
        self._count()
        if self._closed:  # a free slot makes the next one due
            while self._slot_is_free and (due := self._schedule.take(time.monotonic())):
                self._send(due)
            return
        while due := self._schedule.take(time.monotonic()):
            self._waiting.append(due)
        while self._waiting and self._slot_is_free:
            self._send(self._waiting.popleft())
        if self._timer:
            self._timer.cancel()
        wait_s = self._schedule.wait_s(time.monotonic())
        if wait_s < math.inf:
            self._timer = self._loop.call_later(wait_s, self._go_on)

    def _send(self, due: Due) -> None:
        task = self._loop.create_task(self._ask(due))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _count(self) -> None:
        """Integrate the requests under way up to now."""
        now_s = time.monotonic()
        under_way = len(self._tasks) + len(self._waiting)
        self._under_way_s += under_way * (now_s - self._counted_s)
        self._counted_s = now_s

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._count()
        self._tasks.discard(task)
        if self._waiting or self._closed:
            self._go_on()
        if not (self._tasks or self._waiting or self._schedule.jobs_left):
            self._all_ended.set_result(None)

    @property
    def _slot_is_free(self) -> bool:
        return len(self._tasks) < self._request.slots

    async def _ask(self, due: Due) -> None:
        body = self._bodies[due.job]
        sent_s = time.monotonic()
        try:
            async with (
                asyncio.timeout(self._request.deadline_s),
                self._session.post(
                    self._url, data=body.content, headers=body.headers
                ) as reply,
            ):
                text = await reply.read()
        except TimeoutError:
            deadline_s = self._request.deadline_s
            error = f"late: no answer within {deadline_s:g} s (--perf-job-timeout)"
            self._replies.append(Reply(due, sent_s, time.monotonic(), error=error))
        except Exception as fault:  # noqa: BLE001 -- whatever it is, no request may vanish
            error = f"{type(fault).__name__}: {fault}"
            self._replies.append(Reply(due, sent_s, time.monotonic(), error=error))
        else:
            self._replies.append(
                Reply(
                    due,
                    sent_s,
                    time.monotonic(),
                    reply.status,
                    text,
                    reply.headers.get(JSON_BYTES),
                )
            )
