"""What every server that a runtime launched has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from serving.backends.base import ServedModel
from serving.backends.ready import wait_ready
from serving.runtimes.base import Launched

# ONNX Runtime tells its makers of what is run, wherever it is imported; TorchServe imports
# it where it is installed.
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


class LaunchedServer:
    """One life of a server: where it answers, and the program behind it."""

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
