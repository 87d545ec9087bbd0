"""Send requests at their scheduled times: the child's side of the pool "open".

    python -m perf.load.pools.open_loop_child FD JOB_MODULE

The job module offers `body_of(image, target)`. What a request sends is made before the
block, and the answers are read after it: both would make requests late.

Where it may, it runs before all other processes. It shares the cores with the server, and
would else wait for it: on two busy cores p99 of its lateness was 3.4 ms, and 0.1 ms with
this (2026-11-27, AMD EPYC, Zen 5).
"""

from __future__ import annotations

import asyncio
import importlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from perf.load.jobs.client import answer_of, headers_of
from perf.load.jobs.targets import Address
from perf.load.pools.open_loop_block import Block, Body, Ended, Reply
from perf.load.record import BlockRequest, BlockTotals, JobRecord
from serving.child import open_pipe
from serving.work import Answer

BodyOf = Callable[[str, Address], tuple[bytes, str]]
# A server may close a connection that was idle for seconds, just when it is used again.
_KEPT_S = 2.0
_FIRST = -20  # the priority that comes before all others


class ParentGoneError(Exception):
    """The process that asked for the block is dead, or has given up on it."""


class Client:
    """Runs blocks for the process that measures, which is at the other end of `parent`."""

    def __init__(self, parent: Connection, job_module: str) -> None:
        """Prepare; raises ImportError."""
        module = importlib.import_module(job_module)
        self._body_of: BodyOf = module.body_of
        self._prepare: Callable[[object], None] = module.prepare
        self._parent = parent
        self._bodies: dict[tuple[str, Address], Body] = {}

    def run(self, request: BlockRequest) -> None:
        """Run a block, and send its records and totals."""
        assert isinstance(request.target, Address)
        self._prepare(request.target)
        bodies = [self._body(image, request.target) for image in request.images]
        cpu_s = time.process_time()
        loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
        try:
            ended = loop.run_until_complete(self._block(request, bodies))
        finally:
            loop.close()
        cpu_s = time.process_time() - cpu_s
        for reply in ended.replies:
            self._parent.send(_record(reply, request.target))
        ended_s = max((one.ended_s for one in ended.replies), default=ended.began_s)
        totals = BlockTotals(ended.began_s, ended_s, 0.0, cpu_s, ended.under_way_s)
        self._parent.send(totals)

    async def _block(self, request: BlockRequest, bodies: Sequence[Body]) -> Ended:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            sending = asyncio.create_task(Block(request, bodies, session).run())
            asyncio.get_running_loop().add_reader(self._parent.fileno(), sending.cancel)
            try:
                return await sending
            except asyncio.CancelledError:
                raise ParentGoneError from None
            finally:
                asyncio.get_running_loop().remove_reader(self._parent.fileno())

    def _body(self, image: str, target: Address) -> Body:
        key = (image, target)
        if key not in self._bodies:
            content, content_type = self._body_of(image, target)
            self._bodies[key] = Body(content, headers_of(target, content_type))
        return self._bodies[key]


def _record(reply: Reply, target: Address) -> JobRecord:
    """Return the record of a request; its answer is read here."""
    answer: Answer = ()
    error = reply.error
    if not error:
        try:
            answer = answer_of(target, reply.status, reply.text, reply.json_bytes)
        except Exception as fault:  # noqa: BLE001 -- the record tells what it was
            error = f"{type(fault).__name__}: {fault}"
    scheduled_s = reply.due.scheduled_s
    return JobRecord(
        image=reply.due.job,
        scheduled_s=reply.sent_s if scheduled_s is None else scheduled_s,
        launched_s=reply.sent_s,
        started_s=reply.sent_s,
        ended_s=reply.ended_s,
        answer=answer,
        error=error,
    )


def _come_first() -> None:
    """Take the highest priority, where this user may."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
        # Linux may share the cores among sessions first; this process has one of its own.
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(_FIRST), encoding="ascii")


def main(parent: Connection, job_module: str) -> None:
    """Run blocks until the parent closes the pipe."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _come_first()
    client = Client(parent, job_module)
    parent.send(os.getpid())
    with suppress(EOFError, ParentGoneError, BrokenPipeError):
        while True:
            request = parent.recv()
            assert isinstance(request, BlockRequest)
            client.run(request)


if __name__ == "__main__":
    main(open_pipe(), sys.argv[2])
