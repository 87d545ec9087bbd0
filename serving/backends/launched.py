"""What every server that a runtime launched has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, TypeVar

from serving.backends.base import ServedModel
from serving.backends.ready import wait_ready
from serving.errors import ServerError
from serving.runtimes.base import Launched
from serving.spec import ServerSpec
from serving.wire import WireFormat

# ONNX Runtime tells its makers of what is run, wherever it is imported; TorchServe imports
# it where it is installed.
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


class LaunchedServer:
    """One life of a server: where it answers, and the program behind it."""

    wire_format: WireFormat = "plain"

    def __init__(self, launched: Launched, model: ServedModel) -> None:
        """Wrap a program that was just started, with a port called "inference"."""
        self._launched = launched
        self.host, self.port = launched.address("inference")
        self.predict_path = model.predict_path

    def root_pids(self) -> tuple[int, ...]:
        """Return the server's root processes."""
        return self._launched.root_pids()

    def describe(self) -> Mapping[str, str]:
        """Return what the runtime knows of the server."""
        return self._launched.describe()

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        return self._launched.log_tail()

    def stop(self) -> None:
        """End the server."""
        self._launched.stop()


class ConfiguredServer(LaunchedServer, ABC):
    """One that tells its settings, and is held to them.

    A subclass gives its `name` and says in `told` what the server says of itself:
    `workers`, how many are ready; settings by their names in ServerSpec; and `worker_ids`
    where the server puts another worker in the place of a dead one.
    """

    name: ClassVar[str]

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model)
        self._spec = spec
        self._worker_ids: int | str | None = None

    @abstractmethod
    def told(self) -> Mapping[str, int | str] | None:
        """Return what the server says that it runs with, or None where it says nothing."""

    def probe(self) -> Mapping[str, int | str] | None:
        """Return the settings in force once every worker is ready, None before.

        Raises ServerError where they are not what was asked for.
        """
        seen = self._settings()
        if seen is not None:
            self._worker_ids = seen.get("worker_ids")
        return seen

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings in force.

        Raises ServerError where they are not asked for, and where a worker died since
        the server was ready, even if another has taken its place.
        """
        reason = self._launched.exit_reason()
        seen = self._settings() if reason is None else None
        if seen is not None and seen.get("worker_ids") == self._worker_ids:
            return seen
        if reason is not None:
            what = f"died ({reason})"
        elif seen is None:
            what = f"no longer shows {self._spec.workers} ready workers"
        else:
            what = "replaced a worker that had died"
        raise ServerError(f"{self.name} {what}", log_tail=self._launched.log_tail())

    def _settings(self) -> Mapping[str, int | str] | None:
        seen = self.told()
        if seen is None or seen["workers"] != self._spec.workers:
            return None
        asked = self._spec.model_dump(include=set(seen))
        if differing := {k: seen[k] for k, v in asked.items() if seen[k] != v}:
            raise ServerError(f"{self.name} runs with {differing}, asked for {asked}")
        return seen


class Probed(Protocol):
    """A server that can be asked whether it is ready."""

    def probe(self) -> object | None:
        """Return anything but None once it is; raises ServerError where it never will."""


S = TypeVar("S", bound=Probed)


def until_ready(
    launched: Launched, wrap: Callable[[Launched], S], timeout_s: float, what: str
) -> S:
    """Return the server that `wrap` makes of a program, when it is ready.

    Raises ServerError as `wait_ready` does; the program is ended then.
    """
    try:
        server = wrap(launched)
        wait_ready(launched, server.probe, timeout_s, what)
    except BaseException:
        launched.stop()
        raise
    return server
