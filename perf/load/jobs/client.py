"""One job that asks a server: read the file, POST its bytes, read the answer.

Every job is a new process, so each image pays for setting up the client library. The
standard library's client costs a third of the CPU that `requests` needs.
"""

from __future__ import annotations

# http.client imports it at the first connection to a host name: once here is cheaper.
import encodings.idna  # noqa: F401 -- imported for its effect
import http.client
import importlib
import json
from pathlib import Path
from typing import Any

from perf.load.jobs.targets import Address
from serving.work import Answer

_OK = 200
# In KServe's protocol: the number of bytes of JSON that precede the tensor.
JSON_BYTES = "Inference-Header-Content-Length"
_HEADERS = {"plain": {}, "kserve": {JSON_BYTES: "0"}}
_LENGTH = 4


class RefusedError(Exception):
    """The server answered with another status than 200."""


def prepare(target: object) -> None:
    """Import the work, before jobs are forked."""
    assert isinstance(target, Address)
    work_of(target)


def run(image: str, target: object) -> Answer:
    """Return the server's answer for the image file at path `image`.

    Raises RefusedError, OSError, or ValueError, TypeError or AttributeError where the
    answer is not understood.
    """
    assert isinstance(target, Address)
    return ask(target, *body_of(image, target))


def body_of(image: str, target: Address) -> tuple[bytes, str]:
    """Return what a request sends, and its content type; raises OSError."""
    return Path(image).read_bytes(), work_of(target).CONTENT_TYPE


def work_of(target: Address) -> Any:  # noqa: ANN401 -- a module, see serving.work
    """Return the module of the target's work."""
    return importlib.import_module(target.work)


def ask(target: Address, body: bytes, content_type: str) -> Answer:
    """Return the answer to one body; raises as `run` does."""
    connection = http.client.HTTPConnection(
        target.host, target.port, timeout=target.timeout_s
    )
    connection.request("POST", target.path, body, headers_of(target, content_type))
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return answer_of(target, reply.status, text, reply.getheader(JSON_BYTES))


def headers_of(target: Address, content_type: str) -> dict[str, str]:
    """Return the headers of a request."""
    return {"Content-Type": content_type, **_HEADERS[target.dialect]}


def answer_of(target: Address, status: int, text: bytes, json_bytes: str | None) -> Answer:
    """Return the answer in a reply; `json_bytes` is its header of that name.

    Raises RefusedError where the status is not 200, and ValueError, TypeError or
    AttributeError where the answer is not understood.
    """
    if status != _OK:
        raise RefusedError(f"HTTP {status}: {text.decode('utf-8', 'replace')[:500]}")
    if target.dialect == "kserve":
        text = _text_of_tensor(text, json_bytes)
    return work_of(target).parse(json.loads(text))


def _text_of_tensor(body: bytes, json_bytes: str | None) -> bytes:
    """Return the text in the one tensor of an answer in KServe's protocol.

    `json_bytes` is the length of the JSON before the tensor, which begins with the length
    of its text as 32 bits. Raises ValueError where there is no such tensor.
    """
    if json_bytes is None:
        raise ValueError("not an answer of KServe's protocol: it has no tensor")
    tensor = body[int(json_bytes) :]
    length = int.from_bytes(tensor[:_LENGTH], "little")
    if len(tensor) != _LENGTH + length:
        raise ValueError(
            f"not an answer of KServe's protocol: its tensor has {len(tensor)} bytes"
        )
    return tensor[_LENGTH:]
