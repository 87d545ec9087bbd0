"""From measured blocks to a row of the report and an entry of the stored result."""

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
from perf.judge.validity import Shares, shares
from perf.machine.usage import Usage
from perf.report.result import Limits, ScenarioResult
from perf.stats import Pair, percentiles, throughput_rps


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One scenario's pairs, what they used, and what the gate made of them."""

    scenario: Scenario
    pairing: Pairing
    instruments: Instruments
    usage: Usage
    judgement: Judgement
    usable_cores: float
    agreement: float | None = None


def shares_by_arm(instruments: Instruments, usable_cores: float) -> dict[str, Shares]:
    """Return what the blocks of each arm had to share; no arm without a block."""
    return {
        arm: shares(blocks, usable_cores)
        for arm, blocks in instruments.conditions.items()
        if blocks
    }


def scenario_result(measured: Measured) -> ScenarioResult:
    """Return the scenario's row of the report."""
    pairing, usage, judgement = measured.pairing, measured.usage, measured.judgement
    images = sum(len(block.images) for block in pairing.blocks)
    duration_s = sum(block.run.duration_s for block in pairing.blocks)
    latencies_ms = [
        record.latency_ms
        for block in pairing.blocks
        for record in block.run.records
        if not record.error
    ]
    counts = pairing.counts
    return ScenarioResult(
        name=measured.scenario.name,
        spec=measured.scenario.flat(),
        jobs=pairing.scenario.workload.slots,
        duration_s=duration_s,
        throughput_rps=throughput_rps(images, duration_s) if images else 0.0,
        ratio=judgement.ratio,
        baseline_ratio=judgement.baseline_ratio,
        baseline_file=judgement.baseline_file,
        change=judgement.change,
        smallest_seen=judgement.smallest_seen,
        differences=judgement.differences,
        null_control=judgement.ratio if measured.scenario.name == REFERENCE_ROW else None,
        yardstick_rps=_yardstick_rps(pairing.pairs),
        efficiency=_efficiency(pairing.pairs),
        agreement=measured.agreement,
        tolerance=measured.scenario.tolerance,
        verdict=judgement.verdict,
        reason=judgement.reason,
        latency_ms=percentiles(latencies_ms) if latencies_ms else {},
        requests={
            "total": counts.total,
            "failed": counts.failed,
            "wrong": counts.wrong,
        },
        cpu_percent_mean=usage.cpu_percent_mean,
        cpu_percent_max=usage.cpu_percent_max,
        peak_memory_bytes=usage.peak_memory_bytes,
        memory_kind=usage.memory_kind,
        harness_cpu_percent=_harness_cpu_percent(measured),
        pairs=tuple(pairing.pairs),
        limits=_limits(measured, images, latencies_ms),
    )


def extra_info(
    measured: Measured,
    identity: Identity,
    about: Mapping[str, str],
    seed: int,
) -> dict[str, object]:
    """Return what goes into the benchmark's `extra_info`, ready for JSON."""
    result = scenario_result(measured)
    pairing = measured.pairing
    entry = {
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "identity": identity.model_dump(mode="json"),
        "scenario": result.spec,
        "about": dict(about),
        "pairs": [asdict(pair) for pair in result.pairs],
        "requests": result.requests,
        "latency_ms": result.latency_ms,
        "cpu_percent": {"mean": result.cpu_percent_mean, "max": result.cpu_percent_max},
        "cpu_seconds": dict(measured.usage.cpu_seconds_by_part),
        "memory_bytes": {"peak": result.peak_memory_bytes, "kind": result.memory_kind},
        "harness_cpu_percent": result.harness_cpu_percent,
        "efficiency": result.efficiency,
        "agreement": result.agreement,
        "monitor_cpu_percent": measured.usage.own_cpu_percent,
        "conditions": {
            arm: asdict(seen)
            for arm, seen in shares_by_arm(
                measured.instruments, measured.usable_cores
            ).items()
        },
        "server": dict(pairing.observed),
        "seed": seed,
    }
    return {EXTRA: entry}


def _harness_cpu_percent(measured: Measured) -> float | None:
    """Return the harness's share of all usable cores, in the scenario's own blocks.

    A client job is all harness; of a job that loads the model, only its launching is.
    """
    usage, pairing = measured.usage, measured.pairing
    if not usage.duration_s:
        return None
    parts = usage.cpu_seconds_by_part
    if measured.scenario.kind.served:
        pool_s = parts.get("jobs", 0.0)
    else:
        pool_s = sum(block.run.totals.pool_cpu_s for block in pairing.blocks)
    harness_s = parts.get("harness", 0.0) + pool_s
    return 100.0 * harness_s / (usage.duration_s * measured.usable_cores)


def _limits(
    measured: Measured, images: int, latencies_ms: Sequence[float]
) -> Limits | None:
    gauge, usage = measured.instruments.limits, measured.usage
    inference_ms = measured.instruments.yardstick.cpu_ms_per_image
    own_rps = _yardstick_rps(measured.pairing.pairs)
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


def _yardstick_rps(pairs: Sequence[Pair]) -> float | None:
    """Return the yardstick's mean speed, on the scale of logarithms as everything."""
    known = [pair.yardstick_rps for pair in pairs if pair.yardstick_rps is not None]
    return statistics.geometric_mean(known) if known else None


def _efficiency(pairs: Sequence[Pair]) -> float | None:
    """Return the speed over the yardstick's: what serving leaves of the model's own."""
    known = [p.scenario_rps / p.yardstick_rps for p in pairs if p.yardstick_rps]
    return statistics.geometric_mean(known) if known else None
