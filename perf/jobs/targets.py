"""What a job is pointed at; readable without what the job itself needs."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """Where a client POSTs. `timeout_s` limits every wait on the socket.

    `preprocess` is the file from which a client that sends tensors knows how.
    """

    host: str
    port: int
    path: str
    timeout_s: float
    preprocess: str = ""


class LocalModel(NamedTuple):
    """The checkpoint and preprocessing that a job loads, and its compute threads."""

    checkpoint: str
    preprocess: str
    threads: int
