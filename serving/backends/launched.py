"""What every server that a runtime launched has in common."""

from __future__ import annotations

from collections.abc import Mapping

from serving.backends.base import ServedModel
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
