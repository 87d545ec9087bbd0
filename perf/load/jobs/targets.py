"""What a job is pointed at; readable without what the job itself needs."""

from __future__ import annotations

from typing import NamedTuple

from serving.device import Device
from serving.wire import WireFormat


class Address(NamedTuple):
    """Where a client POSTs. `timeout_s` limits every wait on the socket.

    `preprocess` is the file from which a client that sends tensors knows how, and
    `wire_format` how the server wants a body and gives its answer.
    """

    host: str
    port: int
    path: str
    timeout_s: float
    preprocess: str = ""
    wire_format: WireFormat = "plain"


class LocalModel(NamedTuple):
    """The checkpoint and preprocessing that a job loads, and what it computes on."""

    checkpoint: str
    preprocess: str
    threads: int
    device: Device = "cpu"
