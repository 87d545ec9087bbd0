"""LitServe (https://lightning.ai/docs/litserve): a server in Python, over FastAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from serving.backends.base import ServedModel
from serving.backends.launched import QUIET, LaunchedServer, until_ready
from serving.backends.ready import get_json, get_text
from serving.environment import computing
from serving.errors import ServerError
from serving.runtimes.base import Launched, Placement, Program, Runtime
from serving.spec import ServerSpec

_APP = Path(__file__).with_name("litserve_app.py")
_CONFIG = "server.json"


class LitServe:
    """Starts LitServe with one model."""

    name = "litserve"

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> LitServeServer:
        """Start LitServe; return when every worker has loaded the model."""
        placement = runtime.place(("inference",))
        launched = runtime.launch(placement, _program(model, spec, placement))
        return until_ready(
            launched,
            lambda program: LitServeServer(program, model, spec),
            spec.startup_timeout_s,
            "LitServe",
        )


class LitServeServer(LaunchedServer):
    """One life of LitServe. A worker that dies ends it: none is ever replaced."""

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model)
        self._spec = spec

    def probe(self) -> Mapping[str, int | str] | None:
        """Return the settings in force once every worker is ready, None before."""
        if get_text((self.host, self.port), "/health") != "ok":
            return None
        return self._settings()

    def observed(self) -> Mapping[str, int | str]:
        """Return the settings in force.

        Raises ServerError where they are not asked for, or where a worker died.
        """
        reason = self._launched.exit_reason()
        seen = self.probe() if reason is None else None
        if seen is not None:
            return seen
        what = "a worker is not ready" if reason is None else f"it died ({reason})"
        raise ServerError(f"LitServe: {what}", log_tail=self._launched.log_tail())

    def _settings(self) -> Mapping[str, int | str] | None:
        told = get_json((self.host, self.port), "/info")
        if not isinstance(told, dict):
            return None
        seen = {"workers": told["server"]["workers_per_device"], **told["model"]}
        asked = self._spec.model_dump(include=set(seen))
        if seen != asked:
            raise ServerError(f"LitServe runs with {seen}, asked for {asked}")
        return seen


def _program(model: ServedModel, spec: ServerSpec, placement: Placement) -> Program:
    config = {
        "host": placement.bind_host,
        "port": placement.ports["inference"],
        "predict_path": model.predict_path,
        "variant": model.engine.variant,
        **spec.model_dump(),
    }
    return Program(
        argv=(
            placement.python,
            "-P",  # where a file lies that home links to, others have the names of packages
            f"{placement.home}/{_APP.name}",
            f"{placement.home}/{_CONFIG}",
        ),
        env={
            **computing(spec.threads_per_worker, spec.allocator),
            "PYTHONPATH": placement.home,
            **QUIET,
            "TMPDIR": placement.scratch,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        files={_APP.name: _APP, _CONFIG: json.dumps(config), **model.files},
        extras=("litserve", *model.engine.extras),
    )
