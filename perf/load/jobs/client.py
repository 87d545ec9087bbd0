"""One job of the centralised arm: read the file, POST its bytes, parse the answer.

Every job is a fresh process, so what a client library costs to set up is paid for every
image; the standard library's client costs a third of what `requests` does.
"""

from __future__ import annotations

# Sockets given a host name import it at the first connection: better once, here.
import encodings.idna  # noqa: F401
import http.client
import json
from pathlib import Path

from perf.load.jobs.targets import Address
from perf.load.record import Classes

_OK = 200
# To KServe's protocol: the body is one tensor, and nothing but its bytes.
_JSON_BYTES = "Inference-Header-Content-Length"
_HEADERS = {"plain": {}, "kserve": {_JSON_BYTES: "0"}}
_LENGTH = 4


class RefusedError(Exception):
    """The server answered with something other than 200."""


def run(image: str, target: object) -> Classes:
    """Return the server's five likeliest classes for the photograph at path `image`.

    Raises RefusedError, OSError, or ValueError where the answer is not understood.
    """
    assert isinstance(target, Address)
    return ask(target, Path(image).read_bytes(), "image/jpeg")


def ask(target: Address, body: bytes, content_type: str) -> Classes:
    """Return the answer to one body; raises as `run` does."""
    connection = http.client.HTTPConnection(
        target.host, target.port, timeout=target.timeout_s
    )
    headers = {"Content-Type": content_type, **_HEADERS[target.wire_format]}
    connection.request("POST", target.path, body, headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    if reply.status != _OK:
        raise RefusedError(f"HTTP {reply.status}: {text.decode('utf-8', 'replace')[:500]}")
    if target.wire_format == "kserve":
        text = _text_of_tensor(text, reply.getheader(_JSON_BYTES))
    answer = json.loads(text)
    return tuple((int(name), float(p)) for name, p in answer.items())


def _text_of_tensor(body: bytes, json_bytes: str | None) -> bytes:
    """Return the one text of the one tensor that follows so many bytes of JSON.

    A text is led in by its length, as 32 bits. Raises ValueError where there is none.
    """
    if json_bytes is None:
        raise ValueError("no answer of KServe's protocol: it has no tensor")
    tensor = body[int(json_bytes) :]
    length = int.from_bytes(tensor[:_LENGTH], "little")
    if len(tensor) != _LENGTH + length:
        raise ValueError(f"no answer of KServe's protocol: {len(tensor)} bytes of tensor")
    return tensor[_LENGTH:]
