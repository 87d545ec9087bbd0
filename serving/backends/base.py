"""The one Protocol behind which every server stands.

When each method is called: `start` once before the first block of a launch, never
during a measurement; `observed` after `start` and again after the last block; `stop`
once, in every ending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from serving.engines import DEFAULT, ENGINES, Engine
from serving.runtimes.base import Runtime
from serving.spec import ServerSpec
from serving.wire import WireFormat

ANYWHERE: tuple[str, ...] = ("process", "docker")
"""The runtimes of a backend that runs in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The model as a server needs it: a name for its address, and what to load.

    `archive` is for servers that take one file; the others find `files` beside their own,
    by name: the model as `engine` reads it, the engine itself, and the preprocessing.
    """

    name: str
    archive: Path
    engine: Engine = ENGINES[DEFAULT]
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def predict_path(self) -> str:
        """Where photographs are posted to, at every server alike."""
        return f"/predictions/{self.name}"


class Server(Protocol):
    """One life of a server that answers photographs posted as `serving.wire` tells."""

    host: str
    port: int
    predict_path: str
    wire_format: WireFormat

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings that the server itself says it runs with.

        Raises ServerError where it no longer runs what the spec asks for.
        """

    def root_pids(self) -> tuple[int, ...]:
        """Return the processes whose trees are this server's CPU and memory."""

    def describe(self) -> Mapping[str, str]:
        """Return versions, image digest and place for the report."""

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""

    def stop(self) -> None:
        """End the server and everything it started; idempotent."""


class Backend(Protocol):
    """A program that serves models. `runtimes` are the names of those it can run in."""

    name: str
    runtimes: tuple[str, ...]

    def start(self, model: ServedModel, spec: ServerSpec, runtime: Runtime) -> Server:
        """Start a server and return it when it is ready, and only then.

        Raises ServerError where it dies, is late, or runs other settings than `spec`;
        nothing is left behind then.
        """
