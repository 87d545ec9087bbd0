"""The results that reports are made of: one for each scenario, and one for the harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perf.judge.judgement import Judgement
from perf.judge.validity import Shares
from perf.machine.usage import Usage
from perf.stats import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """How many jobs ran, in both arms, warm-ups included."""

    total: int

    failed: int
    """Jobs that ended without an answer."""

    wrong: int
    """Jobs whose answer was not the expected one."""

    missed: int = 0
    """Requests at scheduled times without an answer: they count against the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the model alone can do, and where the time of an image goes."""

    own: str
    """The scenario's own layout (processes, threads, batch), a key of `layouts_rps`."""

    layouts_rps: Mapping[str, float]
    """Images a second of the model alone, by layout."""

    core_ms: Mapping[str, float]
    """Milliseconds of one core for an image, by part; `idle` makes up the rest."""

    latency_ms: float
    """The mean latency of an image."""

    queue_ms: float
    """The part of `latency_ms` that the image waited; a difference, so it can be < 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityResult:
    """The highest rate that meets an SLO; rates are in requests a second."""

    slo_ms: float
    """The response time within which an answer is good, in milliseconds."""

    share: float
    """The share of the requests that must be good."""

    rps: float | None
    """The capacity; None where the rates that were tried do not contain it."""

    low_rps: float | None
    """The lower end of its interval."""

    high_rps: float | None
    """The upper end."""

    closed_rps: float
    """The throughput of a closed loop."""

    cliff: bool
    """Whether fewer than half of the requests were good at the next rate above it."""

    tiers_rps: Mapping[float, float | None]
    """The capacity for other response times, by milliseconds."""

    attained: Mapping[float, float]
    """The share of good requests at each rate that was tried."""

    confirmed: str | None = None
    """Whether a fresh launch met the SLO at `low_rps`: yes, no, open; or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedResult:
    """What became of requests that were offered at one rate; times in milliseconds."""

    rate_rps: float
    """How many requests were scheduled in a second, on average."""

    slo_ms: float | None
    """The response time within which an answer is good; None for any."""

    goodput_rps: float
    """Good requests a second."""

    attainment: float
    """The share of the scheduled requests that were good."""

    missed: int
    """How many requests had no answer."""

    response_ms: Mapping[str, float]
    """Percentiles of the time from the scheduled start to the answer; empty without one."""

    service_ms: Mapping[str, float]
    """Percentiles of the time from the send to the answer; empty without one."""

    lateness_ms: Mapping[str, float]
    """Percentiles of the time from the scheduled start to the send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """What was measured of one scenario, and what the gate made of it.

    Only what was measured is a field. `perf.report.derived` computes the rest from it.
    """

    name: str

    spec: Mapping[str, object]
    """The scenario's row of the table."""

    is_reference: bool
    """Whether the scenario is the reference: its ratio is then the null control."""

    reloads: bool = False
    """Whether each of its jobs loads the model, so that its blocks have few images."""

    tolerance: float
    """How much the throughput may fall since a baseline, as a fraction of one."""

    jobs: int
    """How many jobs ran at a time."""

    images: int
    """Images in the scenario's own blocks."""

    duration_s: float
    """Seconds inside the scenario's own blocks."""

    latencies_ms: tuple[float, ...]
    """One for each answered job of the scenario's own blocks."""

    requests: Requests

    pairs: tuple[Pair, ...]
    """In a run side by side, the reference's block is that of the other tree."""

    disturbed: bool = False
    """Whether the machine was too busy for a verdict."""

    replaced: tuple[str, ...] = ()
    """What disturbed each pair that was measured again."""

    against_pairs: tuple[Pair, ...] = ()
    """The pairs that were measured side by side to settle the verdict."""

    pace_cpu_percent: float = 0.0
    """The CPU that the pace used, of one core, on each core."""

    judgement: Judgement

    usage: Usage
    """CPU and memory in the scenario's own blocks, also those of replaced pairs."""

    usage_images: int
    """Images that were computed while `usage` was measured; at least `images`."""

    harness_cpu_s: float
    """CPU seconds of the harness, part of what `usage` counts."""

    usable_cores: float

    conditions: Mapping[str, Shares]
    """What the machine did during the blocks, by arm."""

    agreement: float | None
    """The share of images for which the engine and the checkpoint predict the same class.

    None where the checkpoint itself computes.
    """

    limits: Limits | None = None
    """None where `--perf-limits` was not given."""

    capacity: CapacityResult | None = None
    """None for a scenario that does not seek its capacity."""

    offered: OfferedResult | None = None
    """None for a scenario whose requests are not offered at one rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessResult:
    """What the harness can do with a server that answers at once."""

    ceiling_rps: float
    """The most jobs a second."""

    cpu_ms_per_job: float
    """CPU milliseconds of one job, without the null server's own."""

    jobs: int
    """How many jobs ran at a time."""

    open_rps: float | None = None
    """The most requests a second of the standing client; None where none needs it."""
