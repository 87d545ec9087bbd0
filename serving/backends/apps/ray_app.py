"""The program that Ray Serve runs: photographs in, the five likeliest classes out.

Run as `python ray_app.py CONFIG` where its neighbours `work` and `engine` and the model
lie. The file stands alone, because it travels to where the server runs; every replica
imports it.

Of a running application only Ray's dashboard tells settings, and that takes CPU. So the
program that deploys it stays and answers for it, on a port of its own.
"""

from __future__ import annotations

import asyncio
import csv
import importlib
import json
import os
import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import ray
from grpc.aio._server import Server
from ray import serve
from ray.serve._private import haproxy_templates
from ray.serve.handle import DeploymentHandle
from ray.util import list_named_actors
from starlette.requests import Request

_APP = "model"
_REPLICA, _RUNS = "SERVE_REPLICA", "RUNNING"
_FALLBACK = "SERVE_PROXY_ACTOR-fallback"
_STORE_BYTES = 100 << 20
_ANSWER_S = 4.0
_QUIET = {"log_level": "WARNING", "enable_access_log": False}


@serve.deployment
class Classifier:
    """One model in a replica of its own."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Load the model, and batch as `config` says."""
        home = Path(__file__).parent
        work = importlib.import_module("work")
        engine = importlib.import_module("engine")
        self._answer = work.answer
        self._batch = work.make_batch(
            home / "preprocess.json", config["preprocess_threads"]
        )
        self._infer = engine.load(
            home, config["variant"], config["threads_per_worker"], config["device"]
        )
        # The replica's own thread must stay free to take the next batch's requests.
        self._thread = ThreadPoolExecutor(1)
        batched: Any = self._batched
        batched.set_max_batch_size(config["batch_size"])
        batched.set_batch_wait_timeout_s(config["batch_delay_ms"] / 1e3)

    async def __call__(self, request: Request) -> dict[str, float]:
        """Answer for one photograph, or array."""
        answer: dict[str, float] = await self._batched(await request.body())
        return answer

    async def settings(self) -> dict[str, int]:
        """Return how the replica batches and computes."""
        # Ray offers setters alone.
        batched: Any = self._batched
        size, delay_s = batched._get_max_batch_size(), batched._get_batch_wait_timeout_s()  # noqa: SLF001
        return {
            "batch_size": size,
            "batch_delay_ms": round(1e3 * delay_s),
            "threads_per_worker": int(os.environ["OMP_NUM_THREADS"]),
        }

    @serve.batch
    async def _batched(self, bodies: list[bytes]) -> list[dict[str, float]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._answers, bodies)

    def _answers(self, bodies: list[bytes]) -> list[dict[str, float]]:
        logits = self._infer(self._batch.inputs(bodies))
        return [self._answer(row) for row in logits]


def on_loopback() -> None:
    """Run in every process of Ray's: let none listen where others reach it.

    A replica opens a port for other applications on every address, HAProxy two for who
    watches it, and neither knows a setting.
    """
    bind = Server.add_insecure_port

    def add_insecure_port(server: Server, address: str) -> int:
        port: int = bind(server, address.replace("[::]", "127.0.0.1"))
        return port

    Server.add_insecure_port = add_insecure_port
    haproxy_templates.HAPROXY_CONFIG_TEMPLATE = re.sub(
        r"bind \*?:", "bind 127.0.0.1:", haproxy_templates.HAPROXY_CONFIG_TEMPLATE
    )


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    cards = int(config["device"] == "cuda")
    folder = _short(Path(config["scratch"]))
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex()
    os.environ.update(_haproxy(config["ports"], folder))
    ray.init(
        address="local",
        num_cpus=config["workers"],
        num_gpus=cards,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=_STORE_BYTES,
        runtime_env={"worker_process_setup_hook": f"{__name__}.on_loopback"},
        _temp_dir=folder,
    )
    # It looks ten times a second for lines that nobody wants here.
    node: Any = ray._private.worker._global_node  # noqa: SLF001 -- its only switch
    node.kill_log_monitor()
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": config["host"], "port": config["ports"]["inference"]},
        logging_config=_QUIET,
    )
    deployment = Classifier.options(  # type: ignore[attr-defined]  # what serve makes of it
        num_replicas=config["workers"],
        # Ray hides the card from a replica that asks for no part of it.
        ray_actor_options={"num_gpus": cards / config["workers"]},
        # One batch is computed while the next one gathers; what HAProxy sends beyond them
        # waits in the replica's own queue.
        max_ongoing_requests=2 * config["batch_size"],
        max_queued_requests=config["queue_size"],
    )
    handle = serve.run(
        deployment.bind(config),
        name=_APP,
        route_prefix=config["predict_path"],
        logging_config=_QUIET,
    )

    class Answerer(BaseHTTPRequestHandler):
        """Answers every GET with the settings; an error ends the answer, not the server."""

        def do_GET(self) -> None:
            body = json.dumps(_settings(handle, config["ports"]["proxy_stats"])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer((config["host"], config["ports"]["management"]), Answerer) as server:
        server.serve_forever()


def _haproxy(ports: dict[str, int], folder: str) -> dict[str, str]:
    """Return the variables that keep HAProxy to ports and a folder of our own."""
    prefix, home = "RAY_SERVE_HAPROXY_", f"{folder}/haproxy"
    return {
        f"{prefix}METRICS_PORT": str(ports["proxy_metrics"]),
        f"{prefix}STATS_PORT": str(ports["proxy_stats"]),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports["fallback"]),
        f"{prefix}CONFIG_FILE_LOC": f"{home}/haproxy.cfg",
        f"{prefix}SOCKET_PATH": f"{home}/admin.sock",
        f"{prefix}SERVER_STATE_BASE": home,
        f"{prefix}SERVER_STATE_FILE": f"{home}/server-state",
        # It tells the machine's system log of every request.
        f"{prefix}LOG_TARGET": f"{home}/nobody-listens",
    }


def _short(folder: Path) -> str:
    """Return another name of this process's working folder, where there is one.

    Of what Ray adds to it the name of a socket must be made, of 107 letters at most.
    """
    known = Path(f"/proc/{os.getpid()}/cwd")
    return str(known if known.exists() and known.samefile(folder) else folder)


def _settings(handle: DeploymentHandle[Any], stats_port: int) -> dict[str, int | str]:
    """Return how many replicas run and are asked, which, and how one of them batches."""
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
        "workers": min(running, _asked(stats_port)),
        "worker_ids": ",".join(replicas),
        **handle.settings.remote().result(timeout_s=_ANSWER_S),
    }


def _asked(stats_port: int) -> int:
    """Return how many replicas HAProxy sends requests to, by its own account.

    It hears of them after Ray does, and begins anew with each; 0 until it knows the proxy
    to fall back on as well.
    """
    directly = build_opener(ProxyHandler({}))  # whatever http_proxy says
    address = f"http://127.0.0.1:{stats_port}/stats;csv"
    try:
        with directly.open(address, timeout=_ANSWER_S) as told:
            rows = list(csv.DictReader(told.read().decode().splitlines()))
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
    # Replicas find the class under the module's own name.
    main_of = importlib.import_module("ray_app").main
    main_of(json.loads(Path(sys.argv[1]).read_text("utf-8")))
