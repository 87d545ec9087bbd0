"""The protocols of a backend, and of one life of its server.

`start` is called once before the first block of a launch, never during a measurement.
`observed` is called after `start` and again after the last block. `stop` is called once,
however the launch ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from serving.dialect import Dialect
from serving.engines import DEFAULT, ENGINES, Engine
from serving.runtimes.base import REQUIREMENTS, Runtime
from serving.spec import ServerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The model as a server needs it: a name for its address, and the files to load."""

    name: str
    archive: Path
    """The model for TorchServe, which takes one file."""
    engine: Engine = ENGINES[DEFAULT]
    files: Mapping[str, Path] = field(default_factory=dict)
    """For other servers, by name: the engine, what it reads, and the preprocessing."""

    @property
    def predict_path(self) -> str:
        """The path that images are posted to; a server may have another."""
        return f"/predictions/{self.name}"


class Server(Protocol):
    """One life of a server. It answers images posted in a dialect of serving.dialect."""

    host: str
    port: int
    predict_path: str
    dialect: Dialect

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server itself reports.

        Raises ServerError where it no longer runs what the spec asks for.
        """

    def root_pids(self) -> tuple[int, ...]:
        """Return the processes whose trees are this server's CPU and memory."""

    def describe(self) -> Mapping[str, str]:
        """Return versions, image digest and place for the report."""

    def log_tail(self) -> str:
        """Return the last lines of the server's log that say something; errors first."""

    def stop(self) -> None:
        """End the server and everything it started. May be called again."""


class Backend(Protocol):
    """A program that serves models, and what it declares of itself.

    A backend is a subclass: what it does not declare has the value here.
    """

    name: str
    runtimes: tuple[str, ...] = ("process", "docker")
    """The names of the runtimes in which it can run."""
    packages: tuple[str, ...] = ()
    """The distributions, besides the model's, whose versions a report names."""
    requirements: tuple[str, ...] = (REQUIREMENTS,)
    """The requirement files, in serving/, that it needs to run."""
    base_image: str | None = None
    """The image that its containers are built from, where it needs a certain one."""

    def start(self, model: ServedModel, spec: ServerSpec, runtime: Runtime) -> Server:
        """Start a server, and return it when it is ready and not before.

        Raises ServerError where it dies, is late, or runs with other settings than `spec`.
        Nothing is left behind then.
        """
