"""The run as one JSON-able dict, and the JSON Schema that it keeps to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from numbers import Integral, Real

from perf.config.header import RunHeader
from perf.report.formatting import finite
from perf.report.result import HarnessResult, Limits, ScenarioResult
from perf.stats import Estimate

SCHEMA_VERSION = 1
LATENCIES = ("p50", "p90", "p95", "p99")


def summarise(
    header: RunHeader, results: Sequence[ScenarioResult], harness: HarnessResult | None
) -> dict[str, object]:
    """Return the whole run, ready for strict JSON: what is not a finite number is None.

    Keys and units are described in summary.schema.json, which `load_schema` returns.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": header.profile,
        "runtime": header.runtime,
        "runtime_reason": header.runtime_reason,
        "machine_class": header.machine_class,
        "device": header.device,
        "seed": header.seed,
        "model": header.model,
        "machine": dict(header.machine),
        "versions": dict(header.versions),
        "harness": None if harness is None else _harness(harness),
        "scenarios": [_scenario(result) for result in results],
    }


def load_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of `summarise`'s answer."""
    text = resources.files(__package__).joinpath("summary.schema.json").read_text("utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema


def _harness(harness: HarnessResult) -> dict[str, object]:
    return {
        "ceiling_rps": finite(harness.ceiling_rps),
        "cpu_ms_per_job": finite(harness.cpu_ms_per_job),
        "jobs": harness.jobs,
    }


def _scenario(result: ScenarioResult) -> dict[str, object]:
    return {
        "name": result.name,
        "spec": _plain(result.spec),
        "jobs": result.jobs,
        "duration_s": finite(result.duration_s),
        "throughput_rps": finite(result.throughput_rps),
        "ratio": _estimate(result.ratio),
        "baseline_ratio": finite(result.baseline_ratio),
        "baseline_file": result.baseline_file,
        "change": _estimate(result.change),
        "smallest_seen": finite(result.smallest_seen),
        "differences": list(result.differences),
        "null_control": _estimate(result.null_control),
        "yardstick_rps": finite(result.yardstick_rps),
        "efficiency": finite(result.efficiency),
        "agreement": finite(result.agreement),
        "tolerance": finite(result.tolerance),
        "verdict": result.verdict.value,
        "reason": result.reason,
        "latency_ms": {name: finite(result.latency_ms.get(name)) for name in LATENCIES},
        "requests": {name: result.requests[name] for name in ("total", "failed", "wrong")},
        "cpu_percent": {
            "mean": finite(result.cpu_percent_mean),
            "max": finite(result.cpu_percent_max),
        },
        "memory_bytes": _memory(result),
        "harness_cpu_percent": finite(result.harness_cpu_percent),
        "pairs": [
            {
                "scenario_rps": pair.scenario_rps,
                "reference_rps": pair.reference_rps,
                "launch": pair.launch,
                "yardstick_rps": pair.yardstick_rps,
            }
            for pair in result.pairs
        ],
        "limits": None if result.limits is None else _limits(result.limits),
    }


def _limits(limits: Limits) -> dict[str, object]:
    return {
        "own": limits.own,
        "layouts_rps": {name: finite(rps) for name, rps in limits.layouts_rps.items()},
        "core_ms": {part: finite(ms) for part, ms in limits.core_ms.items()},
        "latency_ms": finite(limits.latency_ms),
        "queue_ms": finite(limits.queue_ms),
    }


def _memory(result: ScenarioResult) -> dict[str, object]:
    """Return the peak under a name that is true of it whatever its kind.

    `peak_pss` is None where the figure is not PSS: RSS counts shared pages once for each
    process, a cgroup counts page cache too, and neither may be compared with PSS.
    """
    peak = result.peak_memory_bytes
    return {
        "peak_pss": peak if result.memory_kind == "pss" else None,
        "peak_bytes": peak,
        "kind": result.memory_kind,
    }


def _estimate(estimate: Estimate | None) -> dict[str, object] | None:
    if estimate is None:
        return None
    return {
        "estimate": estimate.point,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
    }


def _plain(value: object) -> object:
    """Return a scenario's own value as JSON knows it; text for what JSON does not know."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return finite(float(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
