"""From the blocks of a scenario to its result, and to its entry in the stored benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from perf.config.scenario import Scenario
from perf.config.table import REFERENCE_ROW
from perf.experiment.arms import MeasuredBlock
from perf.experiment.capacity_result import Searches, capacity_result
from perf.experiment.instruments import REFERENCE_ARM, SCENARIO_ARM
from perf.experiment.limits import ServedCpu, queue_ms
from perf.experiment.measurement import Outcome
from perf.experiment.offered_result import offered_result
from perf.judge.judgement import Judgement
from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity
from perf.judge.validity import (
    Shares,
    checked,
    disturbances,
    null_control,
    saturation,
    shares,
)
from perf.load.arrivals.closed import ClosedLoop
from perf.report import derived
from perf.report.result import Limits, Requests, ScenarioResult
from perf.stats.capacity import Probe
from serving.errors import PerfError


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What `scenario_result` makes a result of."""

    scenario: Scenario
    outcome: Outcome
    judgement: Judgement
    usable_cores: float

    facts: Mapping[str, str]
    """What may explain a change."""

    ceiling_rps: float | None
    """The most jobs a second of the harness alone, if it is known."""

    seed: int = 0
    """Of what is drawn to find the interval of a capacity."""

    confirmed: Probe | None = None
    """What was seen when a capacity was tried in a fresh launch."""

    agreement: float | None = None
    """The share of images for which engine and checkpoint predict the same class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one scenario, and what does not belong into a report."""

    result: ScenarioResult

    fault: PerfError | None
    """What ended the measurement, if anything did."""

    facts: Mapping[str, str]

    observed: Mapping[str, int | str]
    """The settings that the server reported of itself."""


def scenario_result(measured: Measured) -> Result:
    """Return the result of one scenario."""
    outcome, pairing = measured.outcome, measured.outcome.pairing
    blocks = pairing.blocks
    images = _images(blocks)
    latencies_ms = tuple(
        record.latency_ms
        for block in blocks
        if not block.found  # a search has requests at many rates
        for record in block.run.records
        if not record.error
    )
    counts, duration_s = pairing.counts, sum(block.run.duration_s for block in blocks)
    conditions = _conditions(measured)
    verdict = checked(
        measured.judgement,
        fault=outcome.fault,
        conditions=conditions,
        saturated=saturation(_fastest_rps(blocks), measured.ceiling_rps) if images else "",
        biased=null_control(pairing.pairs) if _is_null_control(measured) else "",
    )
    result = ScenarioResult(
        name=measured.scenario.name,
        spec=measured.scenario.flat(),
        is_reference=_is_reference(measured.scenario),
        reloads=measured.scenario.kind.reloads,
        tolerance=measured.scenario.tolerance,
        jobs=pairing.scenario.slots,
        images=images,
        duration_s=duration_s,
        latencies_ms=latencies_ms,
        requests=Requests(
            total=counts.total,
            failed=counts.failed,
            wrong=counts.wrong,
            missed=counts.missed,
        ),
        pairs=tuple(pairing.pairs),
        disturbed=bool(disturbances(conditions)),
        replaced=tuple(pairing.replaced),
        judgement=verdict,
        usage=outcome.usage,
        usage_images=_computed(pairing.all_blocks),
        pace_cpu_percent=outcome.instruments.pace.cpu_percent,
        harness_cpu_s=_harness_cpu_s(measured),
        usable_cores=measured.usable_cores,
        conditions=conditions,
        agreement=measured.agreement,
        limits=_limits(measured, latencies_ms),
        capacity=capacity_result(
            Searches(measured.scenario, pairing.measured, measured.seed),
            measured.confirmed,
        ),
        offered=offered_result(measured.scenario, blocks),
    )
    return Result(
        result=result,
        fault=outcome.fault,
        facts=measured.facts,
        observed=pairing.observed,
    )


def _images(blocks: Sequence[MeasuredBlock]) -> int:
    """Return how many images the blocks had."""
    return sum(len(block.images) for block in blocks)


def _computed(blocks: Sequence[MeasuredBlock]) -> int:
    """Return over how many images the CPU time of the blocks is spread."""
    return sum(block.computed for block in blocks)


def _fastest_rps(blocks: Sequence[MeasuredBlock]) -> float:
    """Return the highest rate that was offered, or else the throughput of all blocks."""
    rates = [probe.rate_rps for one in blocks if one.found for probe in one.found.probes]
    seconds = sum(one.run.duration_s for one in blocks)
    return max(rates, default=_images(blocks) / seconds)


def _is_reference(scenario: Scenario) -> bool:
    """Return whether the row is the reference, and measured as such."""
    return scenario.name == REFERENCE_ROW and scenario.arrivals == ClosedLoop.name


def _is_null_control(measured: Measured) -> bool:
    """Return whether both arms are the reference, so that their ratio should be 1."""
    return not measured.judgement.against and _is_reference(measured.scenario)


def _conditions(measured: Measured) -> dict[str, Shares]:
    """Return what the machine did during the blocks of either arm."""
    pairs = measured.outcome.pairing.measured
    seen = {
        SCENARIO_ARM: [one.scenario.reading.conditions for one in pairs],
        REFERENCE_ARM: [one.reference.reading.conditions for one in pairs],
    }
    known = {arm: [one for one in found if one] for arm, found in seen.items()}
    return {
        arm: shares(found, measured.usable_cores) for arm, found in known.items() if found
    }


def extra_info(measured: Result, identity: Identity, *, seed: int) -> dict[str, object]:
    """Return what goes into the benchmark's `extra_info`, ready for JSON."""
    result = measured.result
    usage = result.usage
    entry = {
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "identity": identity.model_dump(mode="json"),
        "scenario": result.spec,
        "about": dict(measured.facts),
        "pairs": [asdict(pair) for pair in result.pairs],
        "replaced": list(result.replaced),
        "requests": asdict(result.requests),
        "latency_ms": derived.latency_ms(result),
        "cpu_percent": {"mean": usage.cpu_percent_mean, "max": usage.cpu_percent_max},
        "cpu_seconds": dict(usage.cpu_seconds_by_part),
        "memory_bytes": {"peak": usage.peak_memory_bytes, "kind": usage.memory_kind},
        "harness_cpu_percent": derived.harness_cpu_percent(result),
        "efficiency": derived.efficiency(result.pairs),
        "agreement": result.agreement,
        "monitor_cpu_percent": usage.own_cpu_percent,
        "pace_cpu_percent": result.pace_cpu_percent,
        "conditions": {arm: asdict(seen) for arm, seen in result.conditions.items()},
        "server": dict(measured.observed),
        "seed": seed,
    }
    return {EXTRA: entry}


def _harness_cpu_s(measured: Measured) -> float:
    """Return the CPU seconds of the harness in the scenario's own blocks.

    A client job is harness as a whole. Of a job that loads the model, only starting it is.
    """
    parts = measured.outcome.usage.cpu_seconds_by_part
    if measured.scenario.kind.served:
        pool_s = parts.get("jobs", 0.0)
    else:
        pool_s = sum(
            block.run.totals.pool_cpu_s for block in measured.outcome.pairing.all_blocks
        )
    return parts.get("harness", 0.0) + pool_s


def _limits(measured: Measured, latencies_ms: Sequence[float]) -> Limits | None:
    outcome = measured.outcome
    gauge, usage = outcome.instruments.limits, outcome.usage
    yardstick = outcome.instruments.yardstick
    inference_ms = yardstick.cpu_ms_per_image if yardstick else None
    own_rps = derived.yardstick_rps(outcome.pairing.pairs)
    if gauge is None or own_rps is None or inference_ms is None or not latencies_ms:
        return None
    jobs_decode = measured.scenario.wire == "tensor"
    cpu = ServedCpu(
        images=_computed(outcome.pairing.all_blocks),
        duration_s=usage.duration_s,
        cores=measured.usable_cores,
        by_part_s=usage.cpu_seconds_by_part,
        inference_ms=inference_ms,
        decoding_ms=0.0 if jobs_decode else gauge.decoding_ms() or 0.0,
    )
    core_ms, latency_ms = cpu.core_ms(), statistics.fmean(latencies_ms)
    others = {str(layout): rps for layout, rps in gauge.rps().items()}
    return Limits(
        own=str(gauge.own),
        layouts_rps={str(gauge.own): own_rps, **others},
        core_ms=core_ms,
        latency_ms=latency_ms,
        queue_ms=queue_ms(latency_ms, gauge.own, own_rps, core_ms),
    )
