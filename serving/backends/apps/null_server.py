"""The null server's program: `null_server.py HOST PORT ANSWER`.

It speaks just enough HTTP to keep a connection for the next request, and spends as little
time as it can on each. So the harness alone is measured.
"""

from __future__ import annotations

import asyncio
import sys


class OneAnswer(asyncio.Protocol):
    """Reads requests to their end, and gives each the fixed reply.

    A client that wants no further one closes the connection.
    """

    def __init__(self, reply: bytes) -> None:
        """Take the whole reply, with its headers."""
        self._reply = reply
        self._received = bytearray()
        self._length: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the replies."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Reply to each request whose headers and body are complete."""
        self._received += data
        while self._is_complete():
            del self._received[: self._length]
            self._length = None
            self._transport.write(self._reply)

    def _is_complete(self) -> bool:
        if self._length is None:
            self._length = request_length(self._received)
        return self._length is not None and len(self._received) >= self._length


def request_length(received: bytearray) -> int | None:
    """Return the whole request's length in bytes; None while its headers are incomplete."""
    head, end, _ = bytes(received).partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(head) + len(end) + int(line.partition(b":")[2])
    return len(head) + len(end)


async def serve(host: str, port: int, answer: bytes) -> None:
    """Answer on `host` and `port` until the process is ended."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        # Clients that speak HTTP/1.0, such as ab, must be told.
        f"Connection: keep-alive\r\nContent-Length: {len(answer)}\r\n\r\n"
    )
    reply = head.encode() + answer
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: OneAnswer(reply), host, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()))
