"""A server whose answers take known times: `-m tests.support.known_server PORT_FILE`.

One request is served at a time, in order of arrival; each takes exactly SERVICE_S. Times
are computed, not slept, so a late wake-up does not delay later requests. At FREEZE_AT_S
after the first request everything stands still for FREEZE_S. The three are variables of the
environment.

It writes the number of its port to PORT_FILE.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
import time
from pathlib import Path

from serving.backends.apps.null_server import request_length

BODY = b'{"281": 0.5}'
_REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Queue:
    """When each request is done."""

    def __init__(self, service_s: float, freeze_at_s: float, freeze_s: float) -> None:
        """Begin with an idle server."""
        self._service_s = service_s
        self._freeze_at_s = freeze_at_s
        self._freeze_s = freeze_s
        self._free_s = 0.0
        self._first_s: float | None = None

    def done_s(self, arrived_s: float) -> float:
        """Return when a request that arrives now is done; both in monotonic seconds."""
        if self._first_s is None:
            self._first_s = arrived_s
        begin_s = max(arrived_s, self._free_s)
        done_s = begin_s + self._service_s
        frozen_s = self._first_s + self._freeze_at_s
        thawed_s = frozen_s + self._freeze_s
        if begin_s <= frozen_s < done_s:
            done_s += self._freeze_s
        elif frozen_s < begin_s < thawed_s:
            done_s = thawed_s + self._service_s
        self._free_s = done_s
        return done_s


class Connection(asyncio.Protocol):
    """Answers each request of a connection when it is done."""

    def __init__(self, queue: Queue) -> None:
        """Share `queue` with all connections."""
        self._queue = queue
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the requests that are complete."""
        self._received += data
        while True:
            length = request_length(self._received)
            if length is None or len(self._received) < length:
                return
            del self._received[:length]
            done_s = self._queue.done_s(time.monotonic())
            asyncio.get_running_loop().call_at(done_s, self._transport.write, _REPLY)


async def serve(port_file: Path) -> None:
    """Answer until the process is ended."""
    variables = ("SERVICE_S", "FREEZE_AT_S", "FREEZE_S")
    queue = Queue(*(float(os.environ.get(name, "0")) for name in variables))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(queue), "127.0.0.1", 0, backlog=1024
    )
    port_file.with_suffix(".part").write_text(str(server.sockets[0].getsockname()[1]))
    port_file.with_suffix(".part").rename(port_file)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        runner.run(serve(Path(sys.argv[1])))
