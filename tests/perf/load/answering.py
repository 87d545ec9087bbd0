"""A server that gives every request the same answer, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from perf.load.jobs.targets import Address
from tests.support.fakes import PATIENCE_S

JSON_BYTES = "Inference-Header-Content-Length"


class Answering(ThreadingHTTPServer):
    """Answers with `status` and `text`; `bodies` and `headers` are of each request."""

    def __init__(self, status: int, text: bytes, json_bytes: int | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.text, self.json_bytes = status, text, json_bytes
        self.bodies: list[bytes] = []
        self.headers: list[Message] = []


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        self.server.headers.append(self.headers)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        if self.server.json_bytes is not None:
            self.send_header(JSON_BYTES, str(self.server.json_bytes))
        self.end_headers()
        self.wfile.write(self.server.text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(
    status: int, text: bytes, json_bytes: int | None = None
) -> Iterator[tuple[Answering, Address]]:
    """Yield a server and its address; `json_bytes` is for KServe's header, if not None."""
    with Answering(status, text, json_bytes) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            address = Address("127.0.0.1", server.server_port, "/predictions/x", PATIENCE_S)
            yield server, address
        finally:
            server.shutdown()
            thread.join()
