"""TorchServe (https://docs.pytorch.org/serve), archived upstream but still in use."""

from __future__ import annotations

import json
from collections.abc import Mapping

from serving.backends.base import ANYWHERE, ServedModel
from serving.backends.launched import QUIET, ConfiguredServer, until_ready
from serving.backends.ready import get_json
from serving.environment import computing
from serving.errors import ServerError
from serving.runtimes.base import (
    REQUIREMENTS,
    Launched,
    Placement,
    Program,
    Runtime,
)
from serving.spec import ServerSpec

_PORTS = (
    "inference",
    "management",
    "metrics",
    "grpc_inference",
    "grpc_management",
    "workers",
)
# What TorchServe logs when it goes on without the model, or tries it again and again.
_LOAD_FAILURES = {
    "ModelServer - Failed to load model": "the model archive cannot be read",
    "Backend stream closed": "a worker died while starting",
    "Backend worker process died": "a worker died while loading the model",
    "Worker died.": "a worker died while loading the model",
    "Load model failed": "a worker died while loading the model",
}
_VERSION = "1.0"


class TorchServe:
    """Starts TorchServe with one model archive."""

    name = "torchserve"
    runtimes = ANYWHERE

    def start(
        self, model: ServedModel, spec: ServerSpec, runtime: Runtime
    ) -> TorchServeServer:
        """Start TorchServe; return when the describe API shows what was asked for."""
        placement = runtime.place(_PORTS)
        launched = runtime.launch(placement, _program(model, spec, placement))
        return until_ready(
            launched,
            lambda program: TorchServeServer(program, model, spec),
            spec.startup_timeout_s,
            TorchServeServer.name,
        )


class TorchServeServer(ConfiguredServer):
    """One life of TorchServe."""

    name = "TorchServe"

    def __init__(self, launched: Launched, model: ServedModel, spec: ServerSpec) -> None:
        """Wrap a program that was just started."""
        super().__init__(launched, model, spec)
        self._model = model

    def probe(self) -> Mapping[str, int | str] | None:
        """Return the settings in force once every worker is READY, None before.

        Raises ServerError where the model could not be loaded.
        """
        log = self._launched.log_tail(lines=400)
        for sign, failure in _LOAD_FAILURES.items():
            if sign in log:
                raise ServerError(
                    f"TorchServe: {failure}", log_tail=self._launched.log_tail()
                )
        return super().probe()

    def told(self) -> Mapping[str, int | str] | None:
        """Return what the describe API shows."""
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


def _program(model: ServedModel, spec: ServerSpec, placement: Placement) -> Program:
    config = render_config(model, spec, placement)
    archive = f"{model.name}.mar"
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
            "TEMP": placement.scratch,  # becomes Java's temporary folder
            "LOG_LOCATION": f"{placement.scratch}/logs",
            "METRICS_LOCATION": f"{placement.scratch}/logs",
        },
        files={"config.properties": config, archive: model.archive},
        needs_java=True,
        requirements=(REQUIREMENTS, *model.engine.requirements),
    )


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
        # One line: a properties file ends a value at the end of its line.
        "models": json.dumps({model.name: {_VERSION: settings}}),
        "default_workers_per_model": spec.workers,
        "default_response_timeout": spec.response_timeout_s,
        "default_startup_timeout": spec.startup_timeout_s,
        "job_queue_size": spec.queue_size,
        "enable_model_api": "true",
        "disable_token_authorization": "true",
        "number_of_gpu": int(spec.device == "cuda"),
        "disable_system_metrics": "true",  # it starts a process every minute: noise
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())
