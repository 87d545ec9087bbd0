"""Hypothesis strategies for any result, and any run, to make reports of."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from perf.config.header import RunHeader
from perf.judge.judgement import Judged, Judgement
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
    memory_kind=st.sampled_from(["pss", "rss"]),
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
