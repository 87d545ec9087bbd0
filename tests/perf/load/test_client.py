"""The job that asks a server, in each wire format."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from perf.load.jobs.client import ask
from perf.load.jobs.targets import Address


class _Canned(HTTPServer):
    """Gives `answer` to every request, and keeps the last one's header and body.

    `json_bytes` is how much of the answer it calls JSON, if it speaks of that.
    """

    answer: bytes
    json_bytes: int | None = None
    header: str | None
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    server: _Canned

    def do_POST(self) -> None:
        self.server.header = self.headers["Inference-Header-Content-Length"]
        self.server.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.server.json_bytes is not None:
            self.send_header("Inference-Header-Content-Length", str(self.server.json_bytes))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def canned() -> Iterator[_Canned]:
    """A server that answers what it is told."""
    with _Canned(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _kserve(server: _Canned) -> Address:
    return Address("127.0.0.1", server.server_port, "/", 10.0, wire_format="kserve")


def test_kserve_has_the_photograph_as_its_one_tensor(canned: _Canned) -> None:
    """The body is the photograph's bytes alone, the answer the text in the tensor."""
    text = b'{"285": 0.5, "3": 0.25}'
    canned.answer = b'{"outputs": []}' + len(text).to_bytes(4, "little") + text
    canned.json_bytes = len(b'{"outputs": []}')
    assert ask(_kserve(canned), b"jpeg", "image/jpeg") == ((285, 0.5), (3, 0.25))
    assert (canned.header, canned.body) == ("0", b"jpeg")


def test_plain_has_no_header_of_kserve(canned: _Canned) -> None:
    """A server of another kind gets the photograph, and gives classes."""
    canned.answer = b'{"285": 0.5}'
    address = _kserve(canned)._replace(wire_format="plain")
    assert ask(address, b"jpeg", "image/jpeg") == ((285, 0.5),)
    assert canned.header is None


@pytest.mark.parametrize(
    ("answer", "json_bytes"),
    [
        (b'{"285": 0.5}', None),
        (b"{}", 2),
        (b"{}\x05\x00\x00\x00{}", 2),
        (b"{}\x01\x00\x00\x00{}", 2),
    ],
    ids=["no tensor", "an empty one", "a text cut short", "more than one"],
)
def test_another_answer_of_kserve_is_none(
    canned: _Canned, answer: bytes, json_bytes: int | None
) -> None:
    """What has not exactly one text where it should be is no answer."""
    canned.answer, canned.json_bytes = answer, json_bytes
    with pytest.raises(ValueError, match=r"not an answer of KServe's protocol|Expecting value"):
        ask(_kserve(canned), b"jpeg", "image/jpeg")
