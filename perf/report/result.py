"""What one scenario's measurement came to: the input of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perf.stats import Estimate, Pair, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the model alone did beside a scenario, and what became of an image's time.

    `layouts_rps` maps layouts, in words, to images a second; `own` is the scenario's.
    `core_ms` maps parts to milliseconds of a core that an image took; with what was idle
    they make up the whole. `latency_ms` is an image's mean latency, `queue_ms` what of it
    the image waited.
    """

    own: str
    layouts_rps: Mapping[str, float]
    core_ms: Mapping[str, float]
    latency_ms: float
    queue_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """One row of the table.

    `spec` is the scenario as the table gives it. `jobs` is how many ran at a time,
    `duration_s` the time inside the scenario's own blocks. `latency_ms` maps p50, p90,
    p95 and p99 to milliseconds; `requests` maps total, failed and wrong to counts.
    `cpu_percent_mean` and `_max` are of all usable cores together, 0 to 100, and None
    where they could not be read; `peak_memory_bytes` is the sum over the experiment's
    processes, `memory_kind` says of what: pss, rss or cgroup. `ratio` is scenario over
    reference; `change` is this run's speed over the baseline's, with the interval that
    decides on an alarm, and `smallest_seen` the smallest loss, as a share, that would have
    been one. `differences` are what is not as it was at the baseline. `null_control` is
    the reference over itself, where the scenario is the reference. `yardstick_rps` is the
    model's own speed beside the blocks, in images a second, `efficiency` the scenario's
    over it, and `agreement` the share of pictures of which the engine finds the same class
    likeliest as the checkpoint; None where the checkpoint itself is computed.
    `harness_cpu_percent` is the harness's share of all usable cores. `limits` is None
    where they were not asked for.
    """

    name: str
    spec: Mapping[str, object]
    jobs: int
    duration_s: float
    throughput_rps: float
    ratio: Estimate | None
    baseline_ratio: float | None
    baseline_file: str | None
    change: Estimate | None
    smallest_seen: float | None
    differences: tuple[str, ...]
    null_control: Estimate | None
    yardstick_rps: float | None
    efficiency: float | None
    agreement: float | None
    tolerance: float
    verdict: Verdict
    reason: str
    latency_ms: Mapping[str, float]
    requests: Mapping[str, int]
    cpu_percent_mean: float | None
    cpu_percent_max: float | None
    peak_memory_bytes: int | None
    memory_kind: str
    harness_cpu_percent: float | None
    pairs: tuple[Pair, ...]
    limits: Limits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessResult:
    """What the harness can do against a server that answers at once.

    `ceiling_rps` is in jobs a second, `cpu_ms_per_job` in milliseconds of CPU, without
    the null server's own; `jobs` ran at a time.
    """

    ceiling_rps: float
    cpu_ms_per_job: float
    jobs: int
