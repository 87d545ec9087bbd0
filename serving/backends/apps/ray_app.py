"""The program that Ray Serve runs: it takes images and returns answers.

Run as `python ray_app.py CONFIG` in a folder with the model and with `work`, `engine`
and `ray_loopback`. Every replica imports this file.

Only Ray's dashboard reports the settings of a running application, and it takes CPU. So the
program that deploys the application stays, and reports them on a port of its own.
"""

from __future__ import annotations

import asyncio
import csv
import importlib
import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import ray
from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.util import list_named_actors
from starlette.requests import Request

loopback = importlib.import_module("ray_loopback")

_APP = "model"
_REPLICA, _RUNS = "SERVE_REPLICA", "RUNNING"
_FALLBACK = "SERVE_PROXY_ACTOR-fallback"
_STORE_BYTES = 100 << 20
_ANSWER_S = 4.0
_QUIET = {"log_level": "WARNING", "enable_access_log": False}


@serve.deployment
class Classifier:
    """One replica, with its own copy of the model."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Load the model, and batch as `config` says."""
        home = Path(__file__).parent
        work = importlib.import_module("work")
        engine = importlib.import_module("engine")
        threads = config["preprocess_threads"]
        self._inputs = work.make_batch(home / "preprocess.json", threads).inputs
        self._answer = work.answer
        self._infer = engine.load(
            home, config["variant"], config["threads_per_worker"], config["device"]
        )
        # The replica's main thread must stay free to receive the next batch.
        self._thread = ThreadPoolExecutor(1)
        batched: Any = self._batched
        batched.set_max_batch_size(config["batch_size"])
        batched.set_batch_wait_timeout_s(config["batch_delay_ms"] / 1e3)

    async def __call__(self, request: Request) -> dict[str, float]:
        """Answer for one image or array."""
        answer: dict[str, float] = await self._batched(await request.body())
        return answer

    async def settings(self) -> dict[str, int]:
        """Return the settings with which the replica batches and computes."""
        batched: Any = self._batched
        delay_s = batched._get_batch_wait_timeout_s()  # noqa: SLF001 -- no public getter
        return {
            "batch_size": batched._get_max_batch_size(),  # noqa: SLF001 -- no public getter
            "batch_delay_ms": round(1e3 * delay_s),
            "threads_per_worker": int(os.environ["OMP_NUM_THREADS"]),
        }

    @serve.batch
    async def _batched(self, bodies: list[bytes]) -> list[dict[str, float]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answers, bodies)

    def _answers(self, bodies: list[bytes]) -> list[dict[str, float]]:
        logits = self._infer(self._inputs(bodies))
        return [self._answer(row) for row in logits]


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended. Raises NotOnLoopbackError before Ray starts."""
    loopback.patch()
    _start_ray(config)
    handle = _deploy(config)
    ports = config["ports"]

    class Answerer(BaseHTTPRequestHandler):
        """Answers every GET with the settings. An error ends the answer, not the server."""

        def do_GET(self) -> None:
            body = json.dumps(_settings(handle, ports["proxy_stats"])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no access log."""

    with HTTPServer((config["host"], ports["management"]), Answerer) as server:
        server.serve_forever()


def _start_ray(config: dict[str, Any]) -> None:
    """Start Ray's processes and the HTTP proxy."""
    folder = _short(Path(config["scratch"]))
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex()
    os.environ.update(_haproxy(config["ports"], folder))
    ray.init(
        address="local",
        num_cpus=config["workers"],
        num_gpus=_cards(config),
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=_STORE_BYTES,
        runtime_env={"worker_process_setup_hook": f"{loopback.__name__}.patch"},
        _temp_dir=folder,
    )
    # It polls the logs ten times a second, and nothing here reads them.
    node: Any = ray._private.worker._global_node  # noqa: SLF001 -- there is no setting
    node.kill_log_monitor()
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": config["host"], "port": config["ports"]["inference"]},
        logging_config=_QUIET,
    )


def _deploy(config: dict[str, Any]) -> DeploymentHandle[Any]:
    """Start the replicas, and return the handle through which they can be called."""
    deployment = Classifier.options(  # type: ignore[attr-defined]  # -- the decorator adds it
        num_replicas=config["workers"],
        # A replica sees the card only if it asks for a part of it.
        ray_actor_options={"num_gpus": _cards(config) / config["workers"]},
        # One batch is computed while the next one fills. Further requests wait in the
        # replica's queue.
        max_ongoing_requests=2 * config["batch_size"],
        max_queued_requests=config["queue_size"],
    )
    return serve.run(
        deployment.bind(config),
        name=_APP,
        route_prefix=config["predict_path"],
        logging_config=_QUIET,
    )


def _cards(config: dict[str, Any]) -> int:
    return int(config["device"] == "cuda")


def _haproxy(ports: dict[str, int], folder: str) -> dict[str, str]:
    """Return the variables that give HAProxy its ports and its folder."""
    prefix, home = "RAY_SERVE_HAPROXY_", f"{folder}/haproxy"
    return {
        f"{prefix}METRICS_PORT": str(ports["proxy_metrics"]),
        f"{prefix}STATS_PORT": str(ports["proxy_stats"]),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports["fallback"]),
        f"{prefix}CONFIG_FILE_LOC": f"{home}/haproxy.cfg",
        f"{prefix}SOCKET_PATH": f"{home}/admin.sock",
        f"{prefix}SERVER_STATE_BASE": home,
        f"{prefix}SERVER_STATE_FILE": f"{home}/server-state",
        # By default it writes every request to the machine's system log.
        f"{prefix}LOG_TARGET": f"{home}/nobody-listens",
    }


def _short(folder: Path) -> str:
    """Return a short name of `folder` where it is this process's working folder.

    Ray makes the path of a socket from it, and such a path has at most 107 characters.
    """
    known = Path(f"/proc/{os.getpid()}/cwd")
    return str(known if known.exists() and known.samefile(folder) else folder)


def _settings(handle: DeploymentHandle[Any], stats_port: int) -> dict[str, int | str]:
    """Return the number and the names of the replicas, and the settings of one of them."""
    (deployment,) = serve.status().applications[_APP].deployments.values()
    running = sum(
        count for state, count in deployment.replica_states.items() if state == _RUNS
    )
    replicas = sorted(
        actor["name"]
        for actor in list_named_actors(all_namespaces=True)
        if actor["name"].startswith(_REPLICA)
    )
    return {
        "workers": min(running, _routed(stats_port)),
        "worker_ids": ",".join(replicas),
        **handle.settings.remote().result(timeout_s=_ANSWER_S),
    }


def _routed(stats_port: int) -> int:
    """Return to how many replicas HAProxy sends requests, by its own statistics.

    HAProxy learns of them later than Ray, and is reloaded for each. The result is 0 until
    it also knows its fallback proxy.
    """
    directly = build_opener(ProxyHandler({}))  # ignores http_proxy
    address = f"http://127.0.0.1:{stats_port}/stats;csv"
    try:
        with directly.open(address, timeout=_ANSWER_S) as answer:
            rows = list(csv.DictReader(answer.read().decode().splitlines()))
    except OSError:
        return 0
    names = {row["svname"]: row["status"] for row in rows}
    if not any(name.startswith(_FALLBACK) for name in names):
        return 0
    return sum(
        name.startswith(_REPLICA) and status.startswith("UP")
        for name, status in names.items()
    )


if __name__ == "__main__":
    # Replicas must find the class in the module "ray_app", not in "__main__".
    main_of = importlib.import_module("ray_app").main
    main_of(json.loads(Path(sys.argv[1]).read_text("utf-8")))
