"""Triton (https://github.com/triton-inference-server/pytriton): NVIDIA's server, in C++.

PyTriton is a package with Triton and its Python backend only; it serves Python functions.
It needs Debian's own Python and an older NumPy than the other servers, so it runs in an
image of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from serving.backends.app import AppBackend
from serving.backends.base import ServedModel
from serving.backends.launched import ConfiguredServer
from serving.backends.ready import get_json, get_text
from serving.dialect import Dialect
from serving.runtimes.base import Launched
from serving.spec import ServerSpec


class TritonServer(ConfiguredServer):
    """One life of Triton. It ends when a worker dies, because all are one process."""

    name = "Triton"
    dialect: Dialect = "kserve"

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model, spec)
        self._model_path = f"/v2/models/{model.name}"
        self.predict_path = f"{self._model_path}/infer"

    def reported(self) -> Mapping[str, int | str] | None:
        """Return the settings of the model's configuration, once it is ready."""
        address = (self.host, self.port)
        if get_text(address, f"{self._model_path}/ready") is None:
            return None
        config = get_json(address, f"{self._model_path}/config")
        if not isinstance(config, dict):
            return None
        delay_us = int(config["dynamic_batching"]["max_queue_delay_microseconds"])
        return {
            "workers": sum(group["count"] for group in config["instance_group"]),
            "batch_size": config["max_batch_size"],
            "batch_delay_ms": delay_us // 1000,
        }


class Triton(AppBackend):
    """Starts Triton with one model, whose workers are threads of one process."""

    name = "triton"
    runtimes = ("docker",)
    packages = ("nvidia-pytriton",)
    requirements = ("requirements-triton.txt",)
    # Triton's Python backend needs the Python patch level that it was built with: Debian's.
    base_image = "debian:bookworm-slim"
    app = "triton_app.py"
    server = TritonServer
