"""The throughput of a block of jobs, and the percentiles of its latencies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_PERCENTILES = (50, 90, 95, 99)


def throughput_rps(images: int, duration_s: float) -> float:
    """Return the throughput in images a second: all images over the whole duration.

    Raises ValueError where `images` is negative, or `duration_s` is not finite and
    positive.
    """
    if images < 0:
        raise ValueError(f"images must be at least zero, not {images}")
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise ValueError(f"duration_s must be finite and above zero, not {duration_s}")
    return images / duration_s


def percentiles(latencies_ms: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p95 and p99 of the latencies, in milliseconds.

    A percentile between two latencies is interpolated linearly: definition 7 of Hyndman
    and Fan, "Sample quantiles in statistical packages", The American Statistician 50,
    1996. Raises ValueError where there is no latency, or one is not finite.
    """
    latencies = np.asarray(latencies_ms, dtype=np.float64)
    if latencies.size == 0:
        raise ValueError("percentiles need at least one latency")
    if not np.isfinite(latencies).all():
        raise ValueError("every latency must be finite")
    values = np.percentile(latencies, _PERCENTILES, method="linear")
    return {f"p{p}": float(v) for p, v in zip(_PERCENTILES, values, strict=True)}


def quantiles(latencies_ms: Sequence[float], number: int) -> list[float]:
    """Return `number` quantiles of the latencies, in milliseconds, at equal distances.

    The first is the shortest latency and the last is the longest. Between two latencies
    they are interpolated as percentiles are. Raises ValueError where there is no latency,
    or `number` is below 2.
    """
    if not latencies_ms or number < 2:  # noqa: PLR2004 -- both ends
        raise ValueError("quantiles need at least one latency and two places")
    found = np.quantile(latencies_ms, np.linspace(0.0, 1.0, number), method="linear")
    return [float(value) for value in found]
