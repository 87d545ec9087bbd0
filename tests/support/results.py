"""Examples of results to make reports of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from perf.config.header import RunHeader
from perf.judge.judgement import Judged, Judgement
from perf.judge.validity import Shares
from perf.machine.timeline import Span
from perf.machine.usage import Usage
from perf.report.result import (
    HarnessResult,
    Limits,
    Requests,
    ScenarioResult,
)
from perf.report.run import RunResults
from perf.stats import Block, Estimate, Pair, Verdict


def judged(  # noqa: PLR0913 -- an example is clearer with all its numbers on one line
    point: float,
    low: float,
    high: float,
    verdict: Verdict,
    *,
    quantity: str = "throughput",
    confidence: float = 0.995,
) -> Judged:
    """Return what was judged of a quantity, with a tolerance of 10 %."""
    change = Estimate(point=point, low=low, high=high, confidence=confidence)
    return Judged(quantity=quantity, change=change, tolerance=0.1, verdict=verdict)


HEADER = RunHeader(
    profile="standard",
    runtime="process",
    runtime_reason="no Docker engine answers",
    machine_class="x86_64-2cores-avx512-24GiB",
    device="cpu",
    seed=7,
    model="resnet152",
    machine={"cpu": "Some CPU | 2 cores"},
    versions={"torch": "2.13.0"},
)
HARNESS = HarnessResult(ceiling_rps=262.4, cpu_ms_per_job=3.41, jobs=24)
USAGE = Usage(
    cpu_percent_mean=91.6,
    cpu_percent_max=99.8,
    peak_memory_bytes=1_300_000_000,
    memory_kind="pss",
    samples=40,
    own_cpu_percent=0.4,
    duration_s=58.0,
    cpu_seconds_by_part={"jobs": 1.1, "server": 104.0, "harness": 0.36},
    timeline=(
        Span(
            block=0,
            duration_s=20.0,
            cpu_s={"jobs": 0.4, "server": 36.0},
            memory_bytes={"pss": 1_200_000_000, "rss": 1_900_000_000},
        ),
        Span(block=0, duration_s=9.0, cpu_s={"jobs": 0.1, "server": 16.0}, memory_bytes={}),
        Span(
            block=1,
            duration_s=29.0,
            cpu_s={"jobs": 0.6, "server": 52.0, "harness": 0.36},
            memory_bytes={"pss": 1_300_000_000, "rss": 2_000_000_000},
        ),
    ),
)
BATCH = ScenarioResult(
    name="serving-batch",
    spec={"workers": 1, "batch_size": 8},
    is_reference=False,
    tolerance=0.1,
    jobs=24,
    images=275,
    duration_s=58.31,
    latencies_ms=(4801.6, 4801.6, 5220.2),
    requests=Requests(total=240, failed=0, wrong=0),
    pairs=(
        Pair(Block(4.7, 1.1), Block(1.9, 1.0), 0, yardstick_rps=7.52),
        Pair(Block(4.8, 1.1), Block(1.8, 1.0), 1, yardstick_rps=7.68),
    ),
    judgement=Judgement(
        verdict=Verdict.REGRESSED,
        ratio=Estimate(point=2.503, low=2.41, high=2.604, confidence=0.95),
        baseline_ratio=3.12,
        quantities=(
            judged(0.802, 0.772, 0.835, Verdict.REGRESSED),
            judged(1.01, 0.98, 1.04, Verdict.UNCHANGED, quantity="memory"),
        ),
        smallest_seen=0.0412,
        baseline_file="baselines/process/0001_resnet152.json",
        differences=("kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"),
    ),
    usage=USAGE,
    usage_images=275,
    harness_cpu_s=1.46,
    usable_cores=2.0,
    conditions={
        "scenario": Shares(
            stolen_percent=0.1,
            foreign_percent=1.2,
            throttled_percent=0.0,
            idle_arm_percent=0.2,
            busiest={"cc (812)": 0.9},
        )
    },
    agreement=None,
)
UNREAD = replace(
    BATCH,
    name="serving-workers-2",
    images=0,
    usage_images=0,
    duration_s=math.nan,
    latencies_ms=(),
    pairs=(),
    judgement=Judgement(
        verdict=Verdict.NO_BASELINE,
        reason="the stored baseline is of\nanother machine class",
    ),
    usage=replace(
        USAGE,
        cpu_percent_mean=None,
        cpu_percent_max=None,
        peak_memory_bytes=None,
        duration_s=0.0,
    ),
    conditions={},
)
LIMITED = replace(
    BATCH,
    name="litserve-openvino",
    limits=Limits(
        own="1 x 2 threads, batch 8",
        layouts_rps={"1 x 2 threads, batch 8": 5.0, "2 x 1 threads, batch 8": 9.432},
        core_ms={"inference": 300.0, "rest of the server": -1.04, "idle": 12.5},
        latency_ms=3210.4,
        queue_ms=-12.0,
    ),
)
# As fast as before, but it needs more memory.
HEAVIER = replace(
    BATCH,
    judgement=replace(
        BATCH.judgement,
        quantities=(
            judged(1.002, 0.981, 1.024, Verdict.UNCHANGED),
            judged(1.201, 1.18, 1.223, Verdict.REGRESSED, quantity="memory"),
        ),
        differences=(),
    ),
)
# A regression by the baseline, which a run side by side did not confirm.
SETTLED = replace(
    BATCH,
    against_pairs=BATCH.pairs,
    judgement=Judgement(
        verdict=Verdict.UNCHANGED,
        ratio=BATCH.judgement.ratio,
        baseline_ratio=BATCH.judgement.baseline_ratio,
        quantities=(judged(0.998, 0.989, 1.007, Verdict.UNCHANGED),),
        smallest_seen=0.021,
        baseline_file=BATCH.judgement.baseline_file,
        against="the baseline's commit 383fe61f7988",
        ours="HEAD",
        turn_s=0.5,
        before=BATCH.judgement,
    ),
)
LOCAL = replace(
    BATCH,
    name="decentralized",
    is_reference=True,
    judgement=Judgement(
        verdict=Verdict.UNCHANGED,
        ratio=Estimate(point=0.967, low=0.946, high=0.99, confidence=0.95),
        baseline_ratio=0.997,
        quantities=(
            judged(1.012, 0.981, 1.044, Verdict.UNCHANGED, confidence=0.9994),
            judged(1.01, 0.99, 1.03, Verdict.UNCHANGED, quantity="memory"),
        ),
        smallest_seen=0.0412,
        baseline_file="baselines/process/0001_resnet152.json",
    ),
)


def rejudged(result: ScenarioResult, **changes: Any) -> ScenarioResult:  # noqa: ANN401 -- any field of a Judgement
    """Return the result with another judgement."""
    return replace(result, judgement=replace(result.judgement, **changes))


def run_of(
    *results: ScenarioResult,
    harness: HarnessResult | None = HARNESS,
    header: RunHeader = HEADER,
) -> RunResults:
    """Return a run with these results."""
    return RunResults(header, scenarios=list(results), harness=harness)
