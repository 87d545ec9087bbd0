"""TorchServe (https://docs.pytorch.org/serve): no longer developed, but still in use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from serving.backends.base import Backend, ServedModel
from serving.backends.launched import QUIET, ConfiguredServer, until_ready
from serving.backends.ready import get_json
from serving.environment import computing
from serving.errors import ServerError
from serving.runtimes.base import Launched, Placement, Program, Runtime
from serving.spec import ServerSpec

_PORTS = (
    "inference",
    "management",
    "metrics",
    "grpc_inference",
    "grpc_management",
    "workers",
)
# What TorchServe logs when it continues without the model, or loads it again and again.
_LOAD_FAILURES = {
    "ModelServer - Failed to load model": "the model archive cannot be read",
    "Backend stream closed": "a worker died while starting",
    "Backend worker process died": "a worker died while loading the model",
    "Worker died.": "a worker died while loading the model",
    "Load model failed": "a worker died while loading the model",
}
_RECENT_LINES = 400
# Metrics, successful requests, the steps of each batch, and commands that only look for a
# card. A dozen lines for each request.
_NOISE = re.compile(
    r" (?:TS_METRICS|MODEL_METRICS) - | - result=\[METRICS\]"
    r'| ACCESS_LOG - .*" 2\d\d \d+$'
    r"| - (?:Flushing req\.cmd|Looping backend response|Backend received inference) "
    r"| - (?:Waiting time ns|Backend response time): | - Sending response for jobId "
    r"|\b(?:nvidia|xpu)-smi not available"
)
_VERSION = "1.0"


class TorchServe(Backend):
    """Starts TorchServe with one model archive."""

    name = "torchserve"
    packages = ("torchserve",)

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> TorchServeServer:
        """Start TorchServe, and return it when it reports the settings of `spec`."""
        placement = runtime.place(_PORTS)
        return until_ready(
            runtime.launch(placement, self._program(model, spec, placement)),
            lambda launched: TorchServeServer(launched, model, spec),
            spec.startup_timeout_s,
            TorchServeServer.name,
        )

    def _program(
        self, model: ServedModel, spec: ServerSpec, placement: Placement
    ) -> Program:
        return Program(
            argv=(
                placement.python,
                "-m",
                "ts.model_server",
                "--start",
                "--foreground",
                "--ncs",  # no snapshot of an earlier run's settings
                "--ts-config",
                f"{placement.home}/config.properties",
            ),
            env={
                **computing(spec.threads_per_worker, spec.allocator),
                "PREPROCESS_THREADS": str(spec.preprocess_threads),
                **QUIET,
                "TMPDIR": placement.scratch,
                "TEMP": placement.scratch,  # Java's temporary folder
                "LOG_LOCATION": f"{placement.scratch}/logs",
                "METRICS_LOCATION": f"{placement.scratch}/logs",
            },
            files={
                "config.properties": render_config(model, spec, placement),
                f"{model.name}.mar": model.archive,
            },
            needs_java=True,
            requirements=(*self.requirements, *model.engine.requirements),
            base_image=self.base_image,
        )


class TorchServeServer(ConfiguredServer):
    """One life of TorchServe. A worker that dies is replaced."""

    name = "TorchServe"
    noise = _NOISE

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model, spec)
        self._model = model

    def probe(self) -> Mapping[str, int | str] | None:
        """Return the settings in force once every worker is READY, None before.

        Raises ServerError where the model could not be loaded.
        """
        log = self._launched.log_tail(_RECENT_LINES)
        for sign, failure in _LOAD_FAILURES.items():
            if sign in log:
                raise ServerError(f"TorchServe: {failure}", log_tail=self.log_tail())
        return super().probe()

    def reported(self) -> Mapping[str, int | str] | None:
        """Return the settings that the describe API shows."""
        address = self._launched.address("management")
        answer = get_json(address, f"/models/{self._model.name}")
        if not isinstance(answer, list) or not answer:
            return None
        entry = answer[0]
        workers = entry.get("workers", [])
        return {
            "workers": sum(w.get("status") == "READY" for w in workers),
            "worker_ids": ",".join(sorted(str(w.get("pid")) for w in workers)),
            "batch_size": entry["batchSize"],
            "batch_delay_ms": entry["maxBatchDelay"],
            "queue_size": entry.get("jobQueueSize", self._spec.queue_size),
            "device": "cuda" if any(w.get("gpu") for w in workers) else "cpu",
        }


def render_config(model: ServedModel, spec: ServerSpec, placement: Placement) -> str:
    """Return the text of config.properties for one model and `spec`."""
    host, ports = placement.bind_host, placement.ports
    archive = f"{model.name}.mar"
    settings = {
        "defaultVersion": True,
        "marName": archive,
        "minWorkers": spec.workers,
        "maxWorkers": spec.workers,
        "batchSize": spec.batch_size,
        "maxBatchDelay": spec.batch_delay_ms,
        "responseTimeout": spec.response_timeout_s,
        "startupTimeout": spec.startup_timeout_s,
    }
    lines = {
        "inference_address": f"http://{host}:{ports['inference']}",
        "management_address": f"http://{host}:{ports['management']}",
        "metrics_address": f"http://{host}:{ports['metrics']}",
        "grpc_inference_address": host,
        "grpc_management_address": host,
        "grpc_inference_port": ports["grpc_inference"],
        "grpc_management_port": ports["grpc_management"],
        "initial_worker_port": ports["workers"],
        "model_store": placement.home,
        "load_models": archive,
        # In one line, because a line's end is a value's end in a properties file.
        "models": json.dumps({model.name: {_VERSION: settings}}),
        "default_workers_per_model": spec.workers,
        "default_response_timeout": spec.response_timeout_s,
        "default_startup_timeout": spec.startup_timeout_s,
        "job_queue_size": spec.queue_size,
        "enable_model_api": "true",
        "disable_token_authorization": "true",
        "number_of_gpu": int(spec.device == "cuda"),
        "disable_system_metrics": "true",  # they start a process every minute
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())
