"""Ray Serve (https://docs.ray.io/en/latest/serve): actors behind an HTTP proxy."""

from __future__ import annotations

from collections.abc import Mapping

from serving.backends.app import AppBackend
from serving.backends.launched import ConfiguredServer
from serving.backends.ready import get_json
from serving.runtimes.base import REQUIREMENTS

_ENV = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's proxy in Python takes 4 ms of CPU for a request, and the replica as much again.
    # HAProxy, which Ray brings on Linux, takes 0.2 ms. It is the first step of
    # https://docs.ray.io/en/master/kuberay/user-guides/serve-high-throughput.html
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    "RAY_SERVE_HAPROXY_NBTHREAD": "1",
    # Ray binds to the machine's address, for other nodes. Where it expects none, as on a
    # Mac, it binds to loopback.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Any program that reaches a port of Ray may run code, so a token is required. Our
    # program makes one.
    "RAY_AUTH_MODE": "token",
    # It kills replicas when memory is short.
    "RAY_memory_monitor_refresh_ms": "0",
    # A dozen processes poll each other many times a second and collect metrics. Together
    # that is 7 % of a core, which the other arm then lacks. Polling less halves it.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "1",
    "RAY_SERVE_EVENT_LOOP_MONITORING_INTERVAL_S": "60",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "60000",
    "RAY_SERVE_REPLICA_UTILIZATION_REPORT_INTERVAL_S": "60",
    "RAY_core_worker_internal_heartbeat_ms": "10000",
    "RAY_enable_metrics_collection": "0",
    "RAY_event_stats": "0",
    "RAY_get_check_signal_interval_milliseconds": "10000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "5000",
    "RAY_io_context_event_loop_lag_collection_interval_ms": "60000",
    "RAY_io_context_monitor_probe_interval_ms": "60000",
    "RAY_local_fs_monitor_interval_ms": "10000",
    "RAY_metrics_report_interval_ms": "60000",
    "RAY_ray_events_report_interval_ms": "60000",
    "RAY_raylet_check_gc_period_milliseconds": "2000",
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    "RAY_report_worker_backlog_interval_ms": "10000",
    "RAY_task_events_report_interval_ms": "0",
}


class RayServeServer(ConfiguredServer):
    """One life of Ray Serve. A replica that dies is replaced."""

    name = "Ray Serve"

    def reported(self) -> Mapping[str, int | str] | None:
        """Return the settings that the program which deployed the model reports."""
        answer = get_json(self._launched.address("management"), "/settings")
        return answer if isinstance(answer, dict) else None


class RayServe(AppBackend):
    """Starts a Ray cluster of one machine, with one model."""

    name = "rayserve"
    packages = ("ray",)
    requirements = (REQUIREMENTS, "requirements-ray.txt")
    app = "ray_app.py"
    beside = ("ray_loopback.py",)
    env = _ENV
    ports = ("inference", "management", "proxy_metrics", "proxy_stats", "fallback")
    server = RayServeServer
