"""What the servers that a runtime has launched have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from serving.backends.base import ServedModel
from serving.backends.log import WINDOW_LINES, informative_tail
from serving.backends.ready import wait_ready
from serving.dialect import Dialect
from serving.errors import ServerError
from serving.runtimes.base import Launched
from serving.spec import ServerSpec

# ONNX Runtime's telemetry is on by default wherever it is imported, and TorchServe imports
# it where it is installed.
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


class LaunchedServer(ABC):
    """One life of a server: where it answers, and the program behind it."""

    dialect: Dialect = "plain"
    noise: ClassVar[re.Pattern[str] | None] = None
    """Found in the lines of its log that say nothing about a failure."""

    def __init__(self, launched: Launched, model: ServedModel) -> None:
        """Wrap a program that was just started and has a port called "inference"."""
        self._launched = launched
        self.host, self.port = launched.address("inference")
        self.predict_path = model.predict_path

    @abstractmethod
    def probe(self) -> object | None:
        """Return None until it is ready. Raises ServerError where it will never be."""

    def exit_reason(self) -> str | None:
        """Return None while the server lives, else in a few words why it ended."""
        return self._launched.exit_reason()

    def root_pids(self) -> tuple[int, ...]:
        """Return the server's root processes."""
        return self._launched.root_pids()

    def describe(self) -> Mapping[str, str]:
        """Return what the runtime knows of the server."""
        return self._launched.describe()

    def log_tail(self) -> str:
        """Return the last lines of the server's log that say something; errors first."""
        return informative_tail(self._launched.log_tail(WINDOW_LINES), self.noise)

    def stop(self) -> None:
        """End the server."""
        self._launched.stop()


class ConfiguredServer(LaunchedServer):
    """A server that reports its settings, which must be those of its spec.

    A subclass has a `name`, and its `reported` returns `workers`, the number that are
    ready; other settings by their names in ServerSpec; and `worker_ids` where the server
    replaces a worker that died.
    """

    name: ClassVar[str]

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model)
        self._spec = spec
        self._worker_ids: int | str | None = None

    @abstractmethod
    def reported(self) -> Mapping[str, int | str] | None:
        """Return the settings that the server reports, or None where it reports nothing."""

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

        Raises ServerError where they are not what was asked for, and where a worker has
        died since the server was ready, even if it was replaced.
        """
        reason = self.exit_reason()
        seen = self._settings() if reason is None else None
        if seen is not None and seen.get("worker_ids") == self._worker_ids:
            return seen
        if reason is not None:
            what = f"died ({reason})"
        elif seen is None:
            what = f"no longer shows {self._spec.workers} ready workers"
        else:
            what = "replaced a worker that had died"
        raise ServerError(f"{self.name} {what}", log_tail=self.log_tail())

    def _settings(self) -> Mapping[str, int | str] | None:
        seen = self.reported()
        if seen is None or seen["workers"] != self._spec.workers:
            return None
        asked = self._spec.model_dump(include=set(seen))
        if differing := {k: seen[k] for k, v in asked.items() if seen[k] != v}:
            raise ServerError(f"{self.name} runs with {differing}, asked for {asked}")
        return seen


S = TypeVar("S", bound=LaunchedServer)


def until_ready(
    launched: Launched, wrap: Callable[[Launched], S], timeout_s: float, what: str
) -> S:
    """Return the server that `wrap` makes of a program, once it is ready.

    Raises ServerError like `wait_ready`. The program is ended then.
    """
    try:
        server = wrap(launched)
        wait_ready(server, server.probe, timeout_s, what)
    except BaseException:
        launched.stop()
        raise
    return server
