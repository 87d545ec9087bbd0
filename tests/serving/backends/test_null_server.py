"""The null server answers every request at once, in however many pieces it arrives."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.load.jobs.client import run
from perf.load.jobs.targets import Address
from perf.machine.lock import session_name
from serving.backends.apps.null_server import request_length
from serving.backends.base import ServedModel
from serving.backends.null import NullBackend, NullServer
from serving.errors import ServerError
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from tests.support.fakes import ended, wait_until

pytestmark = pytest.mark.slow(reason="starts a server")

TOP = ((281, 0.5), (285, 0.25), (282, 0.125))
ANSWER = {str(name): probability for name, probability in TOP}
_MODEL = ServedModel(name="canned", archive=Path("none.mar"))
_SPEC = ServerSpec(workers=1, threads_per_worker=1)
_PATIENCE_S = 60.0


def _start() -> NullServer:
    return NullBackend(TOP).start(_MODEL, _SPEC, ProcessRuntime(session_name()))


@pytest.fixture(scope="module")
def server() -> Iterator[NullServer]:
    """One server for all tests that do not change it."""
    started = _start()
    yield started
    started.stop()


def _request(body: bytes) -> bytes:
    head = (
        f"POST {_MODEL.name} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _reply(connection: socket.socket) -> object:
    """Read one reply with status 200, and return the JSON in it."""
    connection.settimeout(_PATIENCE_S)
    with http.client.HTTPResponse(connection, method="POST") as reply:
        reply.begin()
        assert reply.status == http.client.OK
        return json.loads(reply.read())


def test_client_job_gets_the_canned_answer(server: NullServer, tmp_path: Path) -> None:
    """A job of the centralised arm gets the answer that the server was given."""
    image = tmp_path / "image.jpg"
    image.write_bytes(b"x" * 200_000)
    target = Address(server.host, server.port, server.predict_path, _PATIENCE_S)
    assert run(str(image), target) == TOP


def test_request_in_pieces_is_answered_once_it_is_complete(server: NullServer) -> None:
    """The reply comes after the last byte, not before."""
    request = _request(b"x" * 1000)
    cuts = [0, 10, request.index(b"\r\n\r\n") + 2, len(request) - 1, len(request)]
    with socket.create_connection((server.host, server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in itertools.pairwise(cuts):
            connection.settimeout(0)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
            connection.settimeout(_PATIENCE_S)
            connection.sendall(request[begin:end])
        assert _reply(connection) == ANSWER


def test_a_connection_serves_many_requests(server: NullServer) -> None:
    """Each is answered, one after the other or several in one piece."""
    requests = [_request(b"x" * size) for size in (1, 100_000, 0)]
    with socket.create_connection((server.host, server.port)) as connection:
        for request in requests:
            connection.sendall(request)
            assert _reply(connection) == ANSWER
        connection.sendall(b"".join(requests))
        received = b""
        while received.count(json.dumps(ANSWER).encode()) < len(requests):
            received += connection.recv(65536)
        assert received.count(b"HTTP/1.1 200 OK\r\n") == len(requests)


def test_request_without_a_body_is_answered(server: NullServer) -> None:
    """A GET, as the readiness probe sends it, gets the same answer."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=_PATIENCE_S)
    connection.request("GET", server.predict_path)
    with connection.getresponse() as reply:
        assert json.loads(reply.read()) == {str(name): p for name, p in TOP}
    connection.close()


def test_a_client_that_hangs_up_does_no_harm(server: NullServer) -> None:
    """The server still answers others after half a request and silence."""
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(_request(b"x" * 1000)[:-1])
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(_request(b"x"))
        assert _reply(connection) == ANSWER
    assert server.observed() == {}


def test_death_is_seen() -> None:
    """`observed` raises ServerError where the server was killed."""
    server = _start()
    try:
        (pid,) = server.root_pids()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ended(pid), "the server's end")
        with pytest.raises(
            ServerError, match=r"the null server died \(killed by SIGKILL, "
        ):
            server.observed()
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("head", "announced"),
    [
        ("GET / HTTP/1.1", 0),
        ("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 43", 43),
        ("POST / HTTP/1.1\r\ncontent-length:4\r\nHost: here", 4),
        ("POST / HTTP/1.1\r\nCONTENT-LENGTH:  4  ", 4),
        ("POST / HTTP/1.1\r\nX-Content-Length: 9", 0),
    ],
)
@pytest.mark.parametrize("body", [b"", b"abcd", b"\r\n\r\ncontent-length: 7\r\n\r\n"])
def test_request_length(head: str, announced: int, body: bytes) -> None:
    """The length is that of the headers, plus the body length that they announce."""
    whole = head.encode() + b"\r\n\r\n"
    assert request_length(bytearray(whole + body)) == len(whole) + announced
    assert request_length(bytearray(whole[:-1])) is None


@given(body=st.binary(max_size=200), cut=st.integers(0, 300))
def test_request_length_does_not_depend_on_what_has_arrived(body: bytes, cut: int) -> None:
    """For any part of a request the length is either None or right."""
    request = _request(body)
    assert request_length(bytearray(request[:cut])) in {None, len(request)}
    assert request_length(bytearray(request)) == len(request)
