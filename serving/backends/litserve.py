"""LitServe (https://lightning.ai/docs/litserve): a server in Python, over FastAPI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from serving.backends.base import ANYWHERE, ServedModel
from serving.backends.launched import ConfiguredServer, program_of, until_ready
from serving.backends.ready import get_json, get_text
from serving.runtimes.base import REQUIREMENTS, Runtime
from serving.spec import ServerSpec

_APP = Path(__file__).with_name("litserve_app.py")
_REQUIREMENTS = (REQUIREMENTS, "requirements-litserve.txt")


class LitServe:
    """Starts LitServe with one model."""

    name = "litserve"
    runtimes = ANYWHERE

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> LitServeServer:
        """Start LitServe; return when every worker has loaded the model."""
        placement = runtime.place(("inference",))
        program = program_of(_APP, model, spec, placement, requirements=_REQUIREMENTS)
        return until_ready(
            runtime.launch(placement, program),
            lambda launched: LitServeServer(launched, model, spec),
            spec.startup_timeout_s,
            LitServeServer.name,
        )


class LitServeServer(ConfiguredServer):
    """One life of LitServe. A worker that dies ends it: none is ever replaced."""

    name = "LitServe"

    def told(self) -> Mapping[str, int | str] | None:
        """Return what it says of itself, once every worker is ready."""
        if get_text((self.host, self.port), "/health") != "ok":
            return None
        told = get_json((self.host, self.port), "/info")
        if not isinstance(told, dict):
            return None
        return {"workers": told["server"]["workers_per_device"], **told["model"]}
