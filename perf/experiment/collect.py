"""From the blocks of a scenario to its result, and to its entry in the stored benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from perf.config.scenario import Scenario
from perf.config.table import REFERENCE_ROW
from perf.experiment.instruments import Instruments
from perf.experiment.limits import ServedCpu, queue_ms
from perf.experiment.pairing import Pairing
from perf.judge.gate import Judgement
from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity
from perf.judge.validity import shares
from perf.machine.usage import Usage
from perf.report import derived
from perf.report.result import Limits, Requests, ScenarioResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What `scenario_result` makes a result of."""

    scenario: Scenario

    pairing: Pairing
    """With the blocks, pairs and counts that it measured."""

    instruments: Instruments
    """With what they read beside each block."""

    usage: Usage
    """CPU and memory in the scenario's own blocks."""

    judgement: Judgement

    usable_cores: float

    agreement: float | None = None
    """The share of images for which engine and checkpoint predict the same class."""


def scenario_result(measured: Measured) -> ScenarioResult:
    """Return the result of one scenario."""
    pairing, blocks = measured.pairing, measured.pairing.blocks
    images = sum(len(block.images) for block in blocks)
    latencies_ms = tuple(
        record.latency_ms
        for block in blocks
        for record in block.run.records
        if not record.error
    )
    counts = pairing.counts
    return ScenarioResult(
        name=measured.scenario.name,
        spec=measured.scenario.flat(),
        is_reference=measured.scenario.name == REFERENCE_ROW,
        tolerance=measured.scenario.tolerance,
        jobs=pairing.scenario.workload.slots,
        images=images,
        duration_s=sum(block.run.duration_s for block in blocks),
        latencies_ms=latencies_ms,
        requests=Requests(total=counts.total, failed=counts.failed, wrong=counts.wrong),
        pairs=tuple(pairing.pairs),
        judgement=measured.judgement,
        usage=measured.usage,
        harness_cpu_s=_harness_cpu_s(measured),
        usable_cores=measured.usable_cores,
        conditions={
            arm: shares(seen, measured.usable_cores)
            for arm, seen in measured.instruments.conditions.items()
            if seen
        },
        agreement=measured.agreement,
        limits=_limits(measured, images, latencies_ms),
    )


def extra_info(
    result: ScenarioResult,
    identity: Identity,
    about: Mapping[str, str],
    *,
    server: Mapping[str, int | str],
    seed: int,
) -> dict[str, object]:
    """Return what goes into the benchmark's `extra_info`, ready for JSON.

    `server` are the settings that the server reports of itself.
    """
    usage = result.usage
    entry = {
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "identity": identity.model_dump(mode="json"),
        "scenario": result.spec,
        "about": dict(about),
        "pairs": [asdict(pair) for pair in result.pairs],
        "requests": asdict(result.requests),
        "latency_ms": derived.latency_ms(result),
        "cpu_percent": {"mean": usage.cpu_percent_mean, "max": usage.cpu_percent_max},
        "cpu_seconds": dict(usage.cpu_seconds_by_part),
        "memory_bytes": {"peak": usage.peak_memory_bytes, "kind": usage.memory_kind},
        "harness_cpu_percent": derived.harness_cpu_percent(result),
        "efficiency": derived.efficiency(result.pairs),
        "agreement": result.agreement,
        "monitor_cpu_percent": usage.own_cpu_percent,
        "conditions": {arm: asdict(seen) for arm, seen in result.conditions.items()},
        "server": dict(server),
        "seed": seed,
    }
    return {EXTRA: entry}


def _harness_cpu_s(measured: Measured) -> float:
    """Return the CPU seconds of the harness in the scenario's own blocks.

    A client job is harness as a whole. Of a job that loads the model, only starting it is.
    """
    parts = measured.usage.cpu_seconds_by_part
    if measured.scenario.kind.served:
        pool_s = parts.get("jobs", 0.0)
    else:
        pool_s = sum(block.run.totals.pool_cpu_s for block in measured.pairing.blocks)
    return parts.get("harness", 0.0) + pool_s


def _limits(
    measured: Measured, images: int, latencies_ms: Sequence[float]
) -> Limits | None:
    gauge, usage = measured.instruments.limits, measured.usage
    inference_ms = measured.instruments.yardstick.cpu_ms_per_image
    own_rps = derived.yardstick_rps(measured.pairing.pairs)
    if gauge is None or own_rps is None or inference_ms is None or not latencies_ms:
        return None
    jobs_decode = measured.scenario.wire == "tensor"
    cpu = ServedCpu(
        images=images,
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
