"""Results as reports are made of them: examples, and Hypothesis' strategies for any."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from perf.config.header import RunHeader
from perf.report.result import HarnessResult, Limits, ScenarioResult
from perf.stats import Estimate, Pair, Verdict

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
BATCH = ScenarioResult(
    name="serving-batch",
    spec={"workers": 1, "batch_size": 8},
    jobs=24,
    duration_s=58.31,
    throughput_rps=4.712,
    ratio=Estimate(point=2.503, low=2.41, high=2.604, confidence=0.95),
    baseline_ratio=3.12,
    baseline_file="baselines/process/0001_resnet152.json",
    change=Estimate(point=0.802, low=0.772, high=0.835, confidence=0.995),
    smallest_seen=0.0412,
    differences=("kernel 6.1 -> 6.8", "torch 2.13.0 -> 2.14.1"),
    null_control=None,
    yardstick_rps=7.53,
    efficiency=0.61,
    agreement=None,
    tolerance=0.1,
    verdict=Verdict.REGRESSED,
    reason="",
    latency_ms={"p50": 4801.6, "p90": 5000.0, "p95": 5100.0, "p99": 5220.2},
    requests={"total": 240, "failed": 0, "wrong": 0},
    cpu_percent_mean=91.6,
    cpu_percent_max=99.8,
    peak_memory_bytes=1_300_000_000,
    memory_kind="pss",
    harness_cpu_percent=1.26,
    pairs=(
        Pair(
            scenario_rps=4.7,
            reference_rps=1.9,
            launch=0,
            yardstick_rps=7.53,
        ),
        Pair(scenario_rps=4.8, reference_rps=1.8, launch=1),
    ),
)
UNREAD = replace(
    BATCH,
    name="serving-workers-2",
    throughput_rps=math.nan,
    ratio=None,
    baseline_ratio=None,
    baseline_file=None,
    change=None,
    smallest_seen=None,
    differences=(),
    yardstick_rps=None,
    efficiency=None,
    verdict=Verdict.NO_BASELINE,
    reason="the stored baseline is of\nanother machine class",
    latency_ms={},
    cpu_percent_mean=None,
    cpu_percent_max=None,
    peak_memory_bytes=None,
    harness_cpu_percent=None,
    pairs=(),
)
LIMITED = replace(
    BATCH,
    name="litserve-openvino",
    limits=Limits(
        own="1 x 2 threads, batch 8",
        layouts_rps={"1 x 2 threads, batch 8": 5.0, "2 x 1 threads, batch 8": 9.424},
        core_ms={"inference": 300.0, "rest of the server": -1.04, "idle": 12.5},
        latency_ms=3210.4,
        queue_ms=-12.0,
    ),
)
LOCAL = replace(
    BATCH,
    name="decentralized",
    verdict=Verdict.UNCHANGED,
    differences=(),
    null_control=Estimate(point=0.967, low=0.946, high=0.99, confidence=0.95),
)

any_float = st.floats()
positive = st.floats(min_value=1e-300, max_value=1e300)
count = st.integers(min_value=0, max_value=10_000)
text = st.text(max_size=20)
name = st.text(min_size=1, max_size=20)
estimates = st.tuples(positive, positive, positive).map(
    lambda ends: Estimate(
        point=sorted(ends)[1], low=min(ends), high=max(ends), confidence=0.95
    )
)
amounts = st.one_of(positive, st.just(math.nan), st.just(math.inf))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), any_float, text),
    lambda inner: st.one_of(st.tuples(inner, inner), st.dictionaries(text, inner)),
    max_leaves=5,
)
layouts = st.dictionaries(name, positive, min_size=1, max_size=3)
limits = layouts.flatmap(
    lambda rps: st.builds(
        Limits,
        own=st.sampled_from(sorted(rps)),
        layouts_rps=st.just(rps),
        core_ms=st.dictionaries(name, any_float, max_size=3),
        latency_ms=amounts,
        queue_ms=any_float,
    )
)
scenarios = st.builds(
    ScenarioResult,
    name=name,
    spec=st.dictionaries(text, values, max_size=3),
    jobs=count,
    duration_s=amounts,
    throughput_rps=amounts,
    ratio=st.none() | estimates,
    baseline_ratio=st.none() | positive,
    baseline_file=st.none() | text,
    change=st.none() | estimates,
    smallest_seen=st.none() | amounts,
    differences=st.lists(text, max_size=2).map(tuple),
    null_control=st.none() | estimates,
    yardstick_rps=st.none() | amounts,
    efficiency=st.none() | amounts,
    agreement=st.none() | amounts,
    tolerance=st.floats(min_value=0.001, max_value=0.5),
    verdict=st.sampled_from(Verdict),
    reason=text,
    latency_ms=st.just({})
    | st.fixed_dictionaries(dict.fromkeys(("p50", "p90", "p95", "p99"), amounts)),
    requests=st.fixed_dictionaries(dict.fromkeys(("total", "failed", "wrong"), count)),
    cpu_percent_mean=st.none() | amounts,
    cpu_percent_max=st.none() | amounts,
    peak_memory_bytes=st.none() | st.integers(min_value=0, max_value=2**50),
    memory_kind=st.sampled_from(["pss", "rss", "cgroup"]),
    harness_cpu_percent=st.none() | amounts,
    pairs=st.lists(
        st.builds(
            Pair,
            scenario_rps=positive,
            reference_rps=positive,
            launch=count,
            yardstick_rps=st.none() | positive,
        ),
        max_size=3,
    ).map(tuple),
    limits=st.none() | limits,
)
harnesses = st.none() | st.builds(
    HarnessResult, ceiling_rps=amounts, cpu_ms_per_job=amounts, jobs=count
)
headers = st.builds(
    RunHeader,
    profile=name,
    runtime=name,
    runtime_reason=text,
    machine_class=name,
    seed=st.integers(),
    model=text,
    machine=st.dictionaries(text, text, max_size=2),
    versions=st.dictionaries(text, text, max_size=2),
)
runs = st.tuples(headers, st.lists(scenarios, max_size=3), harnesses)
Run = tuple[RunHeader, list[ScenarioResult], HarnessResult | None]
# What is held is the answer, never how long it took.
untimed = settings(deadline=None, max_examples=60)
