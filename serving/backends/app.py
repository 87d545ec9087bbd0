"""Backends whose program is ours: a file that is copied to lie beside the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from serving.backends.base import Backend, ServedModel
from serving.backends.launched import QUIET, ConfiguredServer, until_ready
from serving.environment import computing
from serving.runtimes.base import Placement, Program, Runtime
from serving.spec import ServerSpec

APPS = Path(__file__).with_name("apps")
_CONFIG = "server.json"


class AppBackend(Backend):
    """Starts a program that finds the model beside it and serves it.

    The program's one argument is a JSON file with its settings, `_config` below.
    """

    app: ClassVar[str]
    """The program's file, in apps/."""
    beside: ClassVar[tuple[str, ...]] = ()
    """Other files of apps/ that it imports."""
    env: ClassVar[Mapping[str, str]] = {}
    """Its environment variables, besides those of every server."""
    ports: ClassVar[tuple[str, ...]] = ("inference",)
    """The names of its ports; it serves on "inference"."""
    server: ClassVar[type[ConfiguredServer]]
    """The class of its servers."""

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> ConfiguredServer:
        """Start the server, and return it when every worker has loaded the model."""
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
        return Program(
            argv=(
                placement.python,
                "-P",  # or Python looks for modules in apps/, where the link points
                f"{placement.home}/{self.app}",
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
            files={
                **{name: APPS / name for name in (self.app, *self.beside)},
                _CONFIG: json.dumps(_config(model, spec, placement)),
                **model.files,
            },
            requirements=(*self.requirements, *model.engine.requirements),
            base_image=self.base_image,
        )


def _config(
    model: ServedModel, spec: ServerSpec, placement: Placement
) -> dict[str, object]:
    """Return what a program reads: where it runs, which model, and the server's spec."""
    return {
        "host": placement.bind_host,
        "ports": dict(placement.ports),
        "scratch": placement.scratch,
        "name": model.name,
        "predict_path": model.predict_path,
        "variant": model.engine.variant,
        **spec.model_dump(),
    }
