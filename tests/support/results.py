"""Results to make reports of: examples, and Hypothesis strategies for any result."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from perf.config.header import RunHeader
from perf.judge.gate import Judged, Judgement
from perf.judge.validity import Shares
from perf.machine.timeline import Span
from perf.machine.usage import Usage
from perf.report.result import (
    CapacityResult,
    HarnessResult,
    Limits,
    OfferedResult,
    Requests,
    ScenarioResult,
)
from perf.report.run import RunResults
from perf.stats import QUANTITIES, THROUGHPUT, Block, Estimate, Pair, Verdict


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
amounts_by_name = st.dictionaries(name, amounts, max_size=3)
no_capacity = st.just((None, None, None))
some_capacity = st.tuples(positive, positive, positive).map(sorted).map(tuple)
capacities = (no_capacity | some_capacity).flatmap(
    lambda ends: st.builds(
        CapacityResult,
        slo_ms=amounts,
        share=amounts,
        low_rps=st.just(ends[0]),
        rps=st.just(ends[1]),
        high_rps=st.just(ends[2]),
        closed_rps=amounts,
        cliff=st.booleans(),
        tiers_rps=st.dictionaries(amounts, st.none() | amounts, max_size=3),
        attained=st.dictionaries(amounts, amounts, max_size=3),
        confirmed=st.sampled_from([None, "yes", "no", "open"]),
    )
)
offers = st.builds(
    OfferedResult,
    rate_rps=amounts,
    slo_ms=st.none() | amounts,
    goodput_rps=amounts,
    attainment=amounts,
    missed=st.integers(min_value=0, max_value=10**9),
    response_ms=amounts_by_name,
    service_ms=amounts_by_name,
    lateness_ms=amounts_by_name,
)
# Where anything was compared, throughput was, and it comes first.
quantities = st.just(()) | st.lists(
    st.sampled_from([one.name for one in QUANTITIES[1:]]), unique=True
).flatmap(
    lambda others: st.tuples(
        *(
            st.builds(
                Judged,
                quantity=st.just(quantity),
                change=estimates,
                tolerance=st.floats(min_value=0.001, max_value=0.5),
                verdict=st.sampled_from(Verdict),
            )
            for quantity in (THROUGHPUT.name, *others)
        )
    )
)


def _judgements(before: st.SearchStrategy[Judgement | None]) -> Any:  # noqa: ANN401 -- mypy cannot see what `builds` returns here
    return st.builds(
        Judgement,
        verdict=st.sampled_from(Verdict),
        reason=text,
        ratio=st.none() | estimates,
        baseline_ratio=st.none() | positive,
        quantities=quantities,
        smallest_seen=st.none() | amounts,
        baseline_file=st.none() | text,
        against=text,
        ours=text,
        turn_s=st.just(0.0) | positive,
        differences=st.lists(text, max_size=2).map(tuple),
        before=before,
        unsettled=text,
    )


judgements = _judgements(st.none() | _judgements(st.none()))
lengths = st.floats(min_value=0.0, max_value=1e9)
spans = st.builds(
    Span,
    block=count,
    duration_s=lengths,
    cpu_s=st.dictionaries(name, lengths, max_size=2),
    memory_bytes=st.dictionaries(
        st.sampled_from(["pss", "rss"]), st.integers(min_value=0, max_value=2**50)
    ),
)
usages = st.builds(
    Usage,
    cpu_percent_mean=st.none() | amounts,
    cpu_percent_max=st.none() | amounts,
    peak_memory_bytes=st.none() | st.integers(min_value=0, max_value=2**50),
    memory_kind=st.sampled_from(["pss", "rss", "cgroup"]),
    samples=count,
    own_cpu_percent=amounts,
    duration_s=st.just(0.0) | amounts,
    cpu_seconds_by_part=st.dictionaries(name, amounts, max_size=2),
    timeline=st.lists(spans, max_size=3).map(tuple),
)
blocks = st.builds(
    Block,
    rps=positive,
    pace=st.none() | positive,
    cpu_ms=st.none() | positive,
    memory_bytes=st.none() | positive,
    p99_ms=st.none() | positive,
)
pairs = st.lists(
    st.builds(
        Pair,
        scenario=blocks,
        reference=blocks,
        launch=count,
        yardstick_rps=st.none() | positive,
    ),
    max_size=3,
).map(tuple)
scenarios = st.builds(
    ScenarioResult,
    name=name,
    spec=st.dictionaries(text, values, max_size=3),
    is_reference=st.booleans(),
    tolerance=st.floats(min_value=0.001, max_value=0.5),
    jobs=count,
    images=count,
    duration_s=st.floats(min_value=1e-3, max_value=1e9),
    latencies_ms=st.lists(st.floats(min_value=0.0, max_value=1e9), max_size=3).map(tuple),
    requests=st.builds(Requests, total=count, failed=count, wrong=count),
    pairs=pairs,
    replaced=st.lists(text, max_size=2).map(tuple),
    against_pairs=pairs,
    pace_cpu_percent=amounts,
    judgement=judgements,
    usage=usages,
    usage_images=count,
    harness_cpu_s=amounts,
    usable_cores=st.floats(min_value=0.1, max_value=1e4),
    conditions=st.dictionaries(
        st.sampled_from(["scenario", "reference"]),
        st.builds(
            Shares,
            stolen_percent=amounts,
            foreign_percent=amounts,
            throttled_percent=amounts,
            idle_arm_percent=amounts,
            busiest=st.dictionaries(name, amounts, max_size=3),
        ),
    ),
    agreement=st.none() | amounts,
    limits=st.none() | limits,
    capacity=st.none() | capacities,
    offered=st.none() | offers,
)
harnesses = st.none() | st.builds(
    HarnessResult,
    ceiling_rps=amounts,
    cpu_ms_per_job=amounts,
    jobs=count,
    open_rps=st.none() | amounts,
)
headers = st.builds(
    RunHeader,
    profile=name,
    runtime=name,
    runtime_reason=text,
    machine_class=name,
    seed=st.integers(),
    model=text,
    model_options=st.lists(text, max_size=2).map(tuple),
    machine=st.dictionaries(text, text, max_size=2),
    versions=st.dictionaries(text, text, max_size=2),
    started=text,
    commit=text,
    scenarios=st.lists(name, max_size=2).map(tuple),
)
runs = st.builds(
    RunResults,
    header=headers,
    on_change=st.just(lambda _: None),
    scenarios=st.lists(scenarios, max_size=3),
    harness=harnesses,
)
# The tests ask for the right answer, not for a fast one.
untimed = settings(deadline=None, max_examples=60)
