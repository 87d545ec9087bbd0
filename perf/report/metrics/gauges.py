"""The gauges of a scenario: their names, units and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from perf.report import derived
from perf.report.result import ScenarioResult
from perf.stats import Estimate, Verdict

RATE = "per_second"
Values = Iterator[tuple[Mapping[str, str], float | None]]
"""Labels beside the scenario's name, and the value; None where it is not known."""


@dataclass(frozen=True, slots=True)
class ScenarioGauge:
    """One gauge with a sample for each scenario, or several with labels of their own."""

    name: str
    """Without the prefix; it ends in the unit, if there is one."""

    unit: str
    text: str
    values: Callable[[ScenarioResult], Values]


def one(value: float | None, labels: Mapping[str, str] | None = None) -> Values:
    """Yield a single value."""
    yield labels or {}, value


def seconds(value_ms: float) -> float:
    """Return milliseconds in seconds."""
    return value_ms / 1e3


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100.0


def _figure(value: Callable[[ScenarioResult], float | None]) -> Callable[..., Values]:
    """Return what makes one sample of each scenario."""
    return lambda result: one(value(result))


def _bounds(estimate: Callable[[ScenarioResult], Estimate | None]) -> Callable[..., Values]:
    """Return what makes an estimate's point and interval three samples."""

    def values(result: ScenarioResult) -> Values:
        yield from _ends(estimate(result), {})

    return values


def _ends(estimate: Estimate | None, labels: Mapping[str, str]) -> Values:
    if estimate is not None:
        yield {**labels, "bound": "estimate"}, estimate.point
        yield {**labels, "bound": "low"}, estimate.low
        yield {**labels, "bound": "high"}, estimate.high


def _throughput(result: ScenarioResult) -> float | None:
    """Return the throughput; a search has none, but that of its closed loops."""
    return None if result.capacity else derived.throughput_rps(result)


def _changes(result: ScenarioResult) -> Values:
    for each in result.judgement.quantities:
        yield from _ends(each.change, {"quantity": each.quantity})


def _tolerances(result: ScenarioResult) -> Values:
    for each in result.judgement.quantities:
        yield {"quantity": each.quantity}, each.tolerance


def _verdicts(result: ScenarioResult) -> Values:
    for verdict in Verdict:
        yield {"verdict": str(verdict)}, float(result.judgement.verdict is verdict)


def _cpu_time(result: ScenarioResult) -> Values:
    for part, value_ms in derived.core_ms(result).items():
        yield {"part": part}, seconds(value_ms)


def _cpu(result: ScenarioResult) -> Values:
    yield {"statistic": "mean"}, _share(result.usage.cpu_percent_mean)
    yield {"statistic": "max"}, _share(result.usage.cpu_percent_max)


def _memory(result: ScenarioResult) -> Values:
    yield {"kind": result.usage.memory_kind}, result.usage.peak_memory_bytes


def _conditions(result: ScenarioResult) -> Values:
    for arm, seen in result.conditions.items():
        for cause, percent in (
            ("stolen", seen.stolen_percent),
            ("other processes", seen.foreign_percent),
            ("throttled", seen.throttled_percent),
            ("waiting arm", seen.idle_arm_percent),
        ):
            yield {"arm": arm, "cause": cause}, _share(percent)


def _capacity(result: ScenarioResult) -> Values:
    if found := result.capacity:
        yield {"bound": "estimate"}, found.rps
        yield {"bound": "low"}, found.low_rps
        yield {"bound": "high"}, found.high_rps


GAUGES: tuple[ScenarioGauge, ...] = (
    ScenarioGauge("verdict", "", "1 for the scenario's verdict, 0 for others.", _verdicts),
    ScenarioGauge(
        f"throughput_images_{RATE}",
        f"images_{RATE}",
        "Images a second over the scenario's own blocks; not of a search for the capacity.",
        _figure(_throughput),
    ),
    ScenarioGauge(
        "change_ratio",
        "ratio",
        "The quantity over that of the baseline or the other tree, at equal pace; 1 for no "
        "change. Its interval decided on the verdict.",
        _changes,
    ),
    ScenarioGauge(
        "tolerance_ratio",
        "ratio",
        "The share by which the quantity may get worse.",
        _tolerances,
    ),
    ScenarioGauge(
        "smallest_detectable_loss_ratio",
        "ratio",
        "The smallest loss of throughput that would be found 95 times in 100, as a share.",
        _figure(lambda result: result.judgement.smallest_seen),
    ),
    ScenarioGauge(
        "reference_ratio",
        "ratio",
        "Throughput, goodput or capacity of the scenario, over the reference's throughput.",
        _bounds(lambda result: result.judgement.ratio),
    ),
    ScenarioGauge(
        "measured_seconds",
        "seconds",
        "Time inside the scenario's own blocks.",
        _figure(lambda result: result.duration_s),
    ),
    ScenarioGauge(
        "image_core_seconds",
        "seconds",
        "Time of one core for an image, by part; idle is the rest.",
        _cpu_time,
    ),
    ScenarioGauge(
        "cpu_ratio", "ratio", "CPU of the experiment, of all usable cores.", _cpu
    ),
    ScenarioGauge(
        "harness_cpu_ratio",
        "ratio",
        "CPU of the harness, of all usable cores.",
        _figure(lambda result: _share(derived.harness_cpu_percent(result))),
    ),
    ScenarioGauge(
        "peak_memory_bytes",
        "bytes",
        "Peak memory of all processes of the scenario.",
        _memory,
    ),
    ScenarioGauge(
        "disturbance_ratio",
        "ratio",
        "CPU that was lost during the blocks of an arm, of all usable cores, by cause.",
        _conditions,
    ),
    ScenarioGauge(
        f"capacity_requests_{RATE}",
        f"requests_{RATE}",
        "The highest rate of requests that meets the SLO.",
        _capacity,
    ),
    ScenarioGauge(
        f"goodput_requests_{RATE}",
        f"requests_{RATE}",
        "Good requests a second, where they are offered at one rate.",
        _figure(lambda result: result.offered.goodput_rps if result.offered else None),
    ),
)
"""All gauges of a scenario; to add one, add it here."""
