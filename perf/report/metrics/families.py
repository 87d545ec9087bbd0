"""Every metric of a run: what holds for all of it, and the figures of each scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.core import SummaryMetricFamily as Summary
from prometheus_client.samples import Sample

from perf.report import derived, formatting
from perf.report.metrics.gauges import GAUGES, RATE, Values, one, seconds
from perf.report.result import ScenarioResult
from perf.report.run import RunResults

PREFIX = "serving_perf"
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99"}


def families(run: RunResults) -> Iterator[Metric]:
    """Yield every metric that has a value; each sample has the labels of the run.

    Of samples with the same labels the first is kept: two of them are no valid text.
    """
    header = run.header
    known = {"runtime": header.runtime, "model": header.model, "profile": header.profile}
    of_run = _labels(known)
    for family in _all(run):
        samples: dict[tuple[object, ...], Sample] = {}
        for sample in family.samples:
            labels = {**of_run, **sample.labels}
            samples.setdefault(
                (sample.name, *labels.items()), sample._replace(labels=labels)
            )
        family.samples = [*samples.values()]
        if family.samples:
            yield family


def _all(run: RunResults) -> Iterator[Metric]:
    yield from _run(run)
    for gauge in GAUGES:
        yield _gauge(
            gauge.name,
            gauge.unit,
            gauge.text,
            (
                ({"scenario": result.name, **labels}, value)
                for result in run.scenarios
                for labels, value in gauge.values(result)
            ),
        )
    yield _latencies(run.scenarios)
    yield _jobs(run.scenarios)


def _gauge(name: str, unit: str, text: str, values: Values) -> Metric:
    """Return a gauge of the values that are known."""
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, unit=unit)
    for labels, value in values:
        known = formatting.finite(value)
        if known is not None:
            family.add_sample(family.name, _labels(labels), known)
    return family


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: formatting.one_line(value) for name, value in labels.items()}


def _run(run: RunResults) -> Iterator[Metric]:
    """Yield what holds for the whole run."""
    header, harness = run.header, run.harness
    known = {
        "device": header.device,
        "machine_class": header.machine_class,
        "commit": header.commit,
    }
    measured = {result.name for result in run.scenarios}
    numbers = {"planned": len(set(run.planned) | measured), "measured": len(measured)}
    yield _gauge("run_info", "", "Always 1; the labels say which run it is.", one(1, known))
    yield _gauge(
        "run_start_time_seconds",
        "seconds",
        "When the run began, since 1970.",
        one(_unix_s(header.started)),
    )
    yield _gauge(
        "scenarios",
        "",
        "How many scenarios were planned, and how many of them were measured.",
        (({"state": state}, number) for state, number in numbers.items()),
    )
    yield _gauge(
        f"harness_ceiling_jobs_{RATE}",
        f"jobs_{RATE}",
        "The most jobs a second with a server that answers at once.",
        one(harness.ceiling_rps if harness else None),
    )
    yield _gauge(
        "harness_job_cpu_seconds",
        "seconds",
        "CPU time of the harness for one job.",
        one(seconds(harness.cpu_ms_per_job) if harness else None),
    )


def _latencies(results: Sequence[ScenarioResult]) -> Metric:
    family = Summary(
        f"{PREFIX}_latency_seconds",
        "Latency of the answered jobs of the scenario's own blocks.",
        unit="seconds",
    )
    for result in results:
        known_ms = derived.latency_ms(result)
        if not known_ms:
            continue
        labels = _labels({"scenario": result.name})
        for name, quantile in _QUANTILES.items():
            value_s = seconds(known_ms[name])
            family.add_sample(family.name, {**labels, "quantile": quantile}, value_s)
        number, sum_ms = len(result.latencies_ms), sum(result.latencies_ms)
        family.add_sample(f"{family.name}_count", labels, number)
        family.add_sample(f"{family.name}_sum", labels, seconds(sum_ms))
    return family


def _jobs(results: Sequence[ScenarioResult]) -> Metric:
    family = CounterMetricFamily(
        f"{PREFIX}_jobs", "Jobs of both arms, warm-ups included, by what became of them."
    )
    for result in results:
        seen = result.requests
        right = seen.total - seen.failed - seen.wrong - seen.missed
        for outcome, number in (
            ("right", max(right, 0)),
            ("wrong", seen.wrong),
            ("failed", seen.failed),
            ("missed", seen.missed),
        ):
            labels = _labels({"scenario": result.name, "outcome": outcome})
            family.add_sample(f"{family.name}_total", labels, number)
    return family


def _unix_s(started: str) -> float | None:
    try:
        return datetime.fromisoformat(started).timestamp()
    except (ValueError, OverflowError):
        return None  # it is empty
