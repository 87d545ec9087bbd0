"""Servers in Python whose program is ours: a file that travels beside the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from serving.backends.base import ANYWHERE, ServedModel
from serving.backends.launched import QUIET, ConfiguredServer, until_ready
from serving.environment import computing
from serving.runtimes.base import Placement, Program, Runtime
from serving.spec import ServerSpec

_CONFIG = "server.json"


class AppBackend:
    """Starts `app`, which finds the model beside it and serves it on a port "inference".

    `app` stands alone, and is told how to serve in the file that is its one argument. It
    needs the packages of `requirements`, the variables of `env`, and `ports`; `server` is
    what a life of it is asked through.
    """

    name: str
    runtimes: tuple[str, ...] = ANYWHERE
    app: ClassVar[Path]
    requirements: ClassVar[tuple[str, ...]]
    env: ClassVar[Mapping[str, str]] = {}
    ports: ClassVar[tuple[str, ...]] = ("inference",)
    server: ClassVar[type[ConfiguredServer]]

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> ConfiguredServer:
        """Start it; return when every worker has loaded the model."""
        placement = runtime.place(self.ports)
        return until_ready(
            runtime.launch(placement, self._program(model, spec, placement)),
            lambda launched: self.server(launched, model, spec),
            spec.startup_timeout_s,
            self.server.name,
        )

    def _program(
        self, model: ServedModel, spec: ServerSpec, placement: Placement
    ) -> Program:
        config = {
            "host": placement.bind_host,
            "ports": dict(placement.ports),
            "scratch": placement.scratch,
            "name": model.name,
            "predict_path": model.predict_path,
            "variant": model.engine.variant,
            **spec.model_dump(),
        }
        return Program(
            argv=(
                placement.python,
                "-P",  # where a file lies that home links to, others have packages' names
                f"{placement.home}/{self.app.name}",
                f"{placement.home}/{_CONFIG}",
            ),
            env={
                **computing(spec.threads_per_worker, spec.allocator),
                "PYTHONPATH": placement.home,
                **QUIET,
                "TMPDIR": placement.scratch,
                "PYTHONDONTWRITEBYTECODE": "1",
                **self.env,
            },
            files={self.app.name: self.app, _CONFIG: json.dumps(config), **model.files},
            requirements=(*self.requirements, *model.engine.requirements),
        )
