"""What a job is pointed at. Importing this loads nothing that the jobs themselves need."""

from __future__ import annotations

from typing import NamedTuple

from serving.device import Device
from serving.dialect import Dialect
from serving.work import CLASSIFICATION


class Address(NamedTuple):
    """The server that a client job asks."""

    host: str

    port: int

    path: str
    """Where it posts its request."""

    timeout_s: float
    """The limit of every wait on the socket."""

    preprocess: str = ""
    """The file that says how an image becomes the model's input, for jobs that decode."""

    dialect: Dialect = "plain"
    """How the server wants a body and sends its answer."""

    work: str = CLASSIFICATION.module
    """The module of the job's work."""


class LocalModel(NamedTuple):
    """The model that a job computes itself."""

    checkpoint: str
    """The TorchScript file."""

    preprocess: str
    """The file that says how an image becomes the model's input."""

    threads: int
    """Compute threads of a job."""

    device: Device = "cpu"
    """What computes the model."""

    work: str = CLASSIFICATION.module
    """The module of the job's work."""
