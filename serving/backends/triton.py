"""Triton (https://github.com/triton-inference-server/pytriton): NVIDIA's server, in C++.

PyTriton brings it as a package, with its Python backend alone, and serves functions. Its
Python is Debian's own and its NumPy older than everybody else's: an image has both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from serving.backends.app import AppBackend
from serving.backends.base import ServedModel
from serving.backends.launched import ConfiguredServer
from serving.backends.ready import get_json, get_text
from serving.runtimes.base import Launched
from serving.spec import ServerSpec
from serving.wire import WireFormat


class TritonServer(ConfiguredServer):
    """One life of Triton. A worker that dies ends it: all are one process."""

    name = "Triton"
    wire_format: WireFormat = "kserve"

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model, spec)
        self._model_path = f"/v2/models/{model.name}"
        self.predict_path = f"{self._model_path}/infer"

    def told(self) -> Mapping[str, int | str] | None:
        """Return how the model is configured, once it is ready."""
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
    runtimes: tuple[str, ...] = ("docker",)
    app = Path(__file__).with_name("apps") / "triton_app.py"
    requirements = ("requirements-triton.txt",)
    server = TritonServer
