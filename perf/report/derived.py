"""Figures that are computed from what was measured of a scenario."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from perf.machine.timeline import Span
from perf.report.result import ScenarioResult
from perf.stats import Estimate, Pair, percentiles, quantiles
from perf.stats import throughput_rps as images_over_time
from perf.stats.ratio import exp_within_limits

_SHORTEST_S = 1e-3


def throughput_rps(result: ScenarioResult) -> float | None:
    """Return images a second over the scenario's own blocks, None where there is no image.

    Of a search for the capacity, it is that of the closed loops.
    """
    if result.capacity:
        return result.capacity.closed_rps
    return images_over_time(result.images, result.duration_s) if result.images else None


def latency_ms(result: ScenarioResult) -> dict[str, float]:
    """Return p50, p90, p95 and p99, or nothing where no job was answered."""
    return percentiles(result.latencies_ms) if result.latencies_ms else {}


def latency_quantiles_ms(result: ScenarioResult) -> list[float]:
    """Return 101 quantiles, from the shortest latency to the longest, to four digits.

    Empty where no job was answered.
    """
    known = result.latencies_ms
    return [float(f"{value:.4g}") for value in quantiles(known, 101)] if known else []


def core_ms(result: ScenarioResult) -> dict[str, float]:
    """Return milliseconds of one core for an image, by part; `idle` is the rest.

    With limits the server is divided further. Empty where there is no image.
    """
    if result.limits:
        return dict(result.limits.core_ms)
    usage, images = result.usage, result.usage_images
    if not images or not usage.cpu_seconds_by_part:
        return {}
    spent = {part: 1e3 * s / images for part, s in usage.cpu_seconds_by_part.items()}
    all_ms = 1e3 * usage.duration_s * result.usable_cores / images
    return {**spent, "idle": all_ms - sum(spent.values())}


def timeline(result: ScenarioResult) -> dict[str, object]:
    """Return CPU and memory over the time of the blocks, as lists with one value a span.

    CPU is in per cent with one decimal, and memory has four digits that count.
    """
    spans = timed(result)
    return {
        "block": [one.block + 1 for one in spans],
        "duration_s": [round(one.duration_s, 3) for one in spans],
        "cpu_percent": {
            part: [round(cpu_percent(one, part, result.usable_cores), 1) for one in spans]
            for part in timed_parts(spans)
        },
        "memory_bytes": [
            None if known is None else int(float(f"{known:.4g}"))
            for known in (one.memory_bytes.get(result.usage.memory_kind) for one in spans)
        ],
    }


def timed(result: ScenarioResult) -> list[Span]:
    """Return the spans of the time line that last a millisecond or more."""
    return [one for one in result.usage.timeline if one.duration_s >= _SHORTEST_S]


def timed_parts(spans: Sequence[Span]) -> list[str]:
    """Return the parts of the experiment that the spans name."""
    return list(dict.fromkeys(part for one in spans for part in one.cpu_s))


def cpu_percent(span: Span, part: str, usable_cores: float) -> float:
    """Return what a part used in a span, in per cent of all usable cores, at most 100.

    A job that one reading misses is counted with the next one, whatever its span.
    """
    share = span.cpu_s.get(part, 0.0) / span.duration_s / usable_cores
    return min(100.0 * share, 100.0)


def yardstick_rps(pairs: Sequence[Pair]) -> float | None:
    """Return images a second of the model alone: the geometric mean over the pairs.

    None where no pair has a yardstick.
    """
    known = [math.log(pair.yardstick_rps) for pair in pairs if pair.yardstick_rps]
    return exp_within_limits(statistics.fmean(known)) if known else None


def efficiency(pairs: Sequence[Pair]) -> float | None:
    """Return throughput over that of the model alone: the geometric mean over the pairs.

    None where no pair has a yardstick.
    """
    known = [
        math.log(pair.scenario.rps) - math.log(pair.yardstick_rps)
        for pair in pairs
        if pair.yardstick_rps
    ]
    return exp_within_limits(statistics.fmean(known)) if known else None


def tolerance(result: ScenarioResult) -> float:
    """Return how much the throughput may fall by the terms of the verdict, as a share."""
    quantities = result.judgement.quantities
    return quantities[0].tolerance if quantities else result.tolerance


def harness_cpu_percent(result: ScenarioResult) -> float | None:
    """Return the harness's share of all usable cores, 0 to 100.

    None where no block was measured.
    """
    cores_s = result.usage.duration_s * result.usable_cores
    return 100.0 * result.harness_cpu_s / cores_s if cores_s else None


def null_control(result: ScenarioResult) -> Estimate | None:
    """Return the ratio of the reference to itself, or None for any other scenario."""
    return result.judgement.ratio if result.is_reference else None
