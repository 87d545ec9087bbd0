"""A server that answers at once, to measure everything but the server."""

from __future__ import annotations

import json
from collections.abc import Mapping

from serving.backends.app import APPS
from serving.backends.base import Backend, ServedModel
from serving.backends.launched import LaunchedServer, until_ready
from serving.backends.ready import get_json
from serving.errors import ServerError
from serving.runtimes.base import Program, Runtime
from serving.spec import ServerSpec

_APP = "null_server.py"


class NullBackend(Backend):
    """Starts the null server, which gives every request the same answer."""

    name = "null"

    def __init__(self, top: tuple[tuple[int, float], ...]) -> None:
        """Answer with the classes and probabilities of `top`."""
        self._answer = json.dumps({str(name): probability for name, probability in top})

    def start(self, model: ServedModel, spec: ServerSpec, runtime: Runtime) -> NullServer:
        """Start the server, and return it once it answers."""
        placement = runtime.place(("inference",))
        program = Program(
            argv=(
                placement.python,
                "-S",  # it needs nothing but the standard library
                f"{placement.home}/{_APP}",
                placement.bind_host,
                str(placement.ports["inference"]),
                self._answer,
            ),
            files={_APP: APPS / _APP},
            requirements=self.requirements,
        )
        return until_ready(
            runtime.launch(placement, program),
            lambda launched: NullServer(launched, model),
            spec.startup_timeout_s,
            "the null server",
        )


class NullServer(LaunchedServer):
    """One life of the null server."""

    def probe(self) -> object | None:
        """Return an answer once there is one."""
        return get_json((self.host, self.port), self.predict_path)

    def observed(self) -> Mapping[str, int | str]:
        """Return an empty map: it has no settings. Raises ServerError where it died."""
        reason = self.exit_reason()
        if reason is not None:
            raise ServerError(f"the null server died ({reason})", log_tail=self.log_tail())
        return {}
