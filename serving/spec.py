"""The settings of a server, with the same names for every backend.

Each field is checked when the object is made: pydantic.ValidationError names a value of
the wrong type, or one that is too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from serving.device import Device
from serving.environment import Allocator


@dataclass(frozen=True, slots=True)
class AddedLater:
    """Marks a setting that older records lack: they were made with its default."""


class ServerSettings(BaseModel):
    """The settings that a row of the table shares with the server that it starts."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )

    preprocess_threads: Annotated[PositiveInt, AddedLater()] = 1
    """Threads of a worker that decode a batch. TorchServe's stock handler has one."""
    allocator: Allocator = "retain"
    """What becomes of freed memory; see serving.environment."""
    batch_size: PositiveInt = 1
    """The largest number of requests that a worker computes at once."""
    batch_delay_ms: NonNegativeInt = 100
    """How long a batch waits for more requests."""
    queue_size: PositiveInt = 100
    """How many requests may wait before the server refuses more."""
    response_timeout_s: PositiveInt = 200
    """How long a worker may take for one batch."""


class ServerSpec(ServerSettings):
    """All settings of one running server."""

    workers: PositiveInt
    """How many workers have the model loaded; each is a process, in Triton a thread."""
    threads_per_worker: PositiveInt
    """Threads of a worker that compute the model."""
    device: Device = "cpu"
    """Where the model is computed."""
    startup_timeout_s: PositiveInt = 180
    """How long the server may take until every worker is ready."""
