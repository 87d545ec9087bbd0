"""The lines under the tables: what the columns mean, and what they do not show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from perf.report import derived, formatting
from perf.report.message import in_turns, remark
from perf.report.repeating import longer
from perf.report.result import HarnessResult, ScenarioResult
from perf.report.run import RunResults
from perf.stats import CPU, MEMORY, P99, Estimate

_CHANGE = (
    "change of throughput: since the baseline, or from the other tree to this one, at "
    "equal pace of the cores"
)
_EFFICIENCY = (
    "efficiency: throughput over that of the model alone, which is measured beside each "
    "block in as many processes and threads"
)
_OTHERS = {
    MEMORY.name: "peak memory",
    CPU.name: "CPU time of an image",
    P99.name: "p99 of the latency",
}
_CAPACITY = (
    "a scenario with a capacity: the capacity is judged and makes the ratio; its "
    "throughput is that of a closed loop"
)
_GOODPUT = "a scenario at a fixed rate: its goodput is judged and makes the ratio"
_TOLERANCE = "it is judged against the tolerance"
_TOLERANCES = f"{_TOLERANCE}, which is smaller side by side"
_MEMORY_KINDS = {
    "rss": "memory marked rss: shared pages count once for each process",
    "cgroup": "memory marked cgroup: page cache counts too",
}


def notes(run: RunResults) -> list[str]:
    """Return the lines, in the order of the report."""
    results = run.scenarios
    return [
        *_legend(results),
        *_baselines(results),
        *filter(None, [in_turns(results)]),
        *_memory(results),
        _harness(results, run.harness),
        *_null_control(results),
        *filter(None, map(remark, results)),
        *filter(None, [longer(results, run.header)]),
    ]


def _legend(results: Sequence[ScenarioResult]) -> list[str]:
    if not results:
        return []
    judgements = [result.judgement for result in results]
    changes = _confidence(j.change for j in judgements)
    ratios = _confidence(j.ratio for j in judgements)
    lines = [
        [
            _CHANGE,
            _TOLERANCES if any(j.against for j in judgements) else _TOLERANCE,
            f"its interval [ ] decided on the verdict ({changes})" if changes else "",
        ],
        [_EFFICIENCY if any(derived.efficiency(r.pairs) for r in results) else ""],
        [_CAPACITY if any(r.capacity for r in results) else ""],
        [_GOODPUT if any(r.offered for r in results) else ""],
        [_others(results)],
        [
            "ratio: throughput over that of the reference",
            f"for information, with its interval [ ] ({ratios})",
        ]
        if ratios
        else [],
        [
            "CPU: share of all usable cores",
            "CPU of harness: the part of it that the harness takes",
            f"{formatting.UNKNOWN}: not known",
        ],
    ]
    return [line for parts in lines if (line := "; ".join(filter(None, parts)))]


def _others(results: Sequence[ScenarioResult]) -> str:
    """Return what else was judged in any scenario, or nothing."""
    judged = {one.quantity for each in results for one in each.judgement.quantities}
    named = [words for name, words in _OTHERS.items() if name in judged]
    if not named:
        return ""
    *some, last = named
    listed = f"{', '.join(some)} and {last}" if some else last
    return f"also judged: {listed}; a line below names each one that regressed"


def _baselines(results: Sequence[ScenarioResult]) -> list[str]:
    files = [result.judgement.baseline_file for result in results]
    names = sorted({PurePath(file).name for file in files if file})
    return [formatting.one_line(f"baseline: {', '.join(names)}")] if names else []


def _confidence(estimates: Iterable[Estimate | None]) -> str:
    """Return the intervals' confidence in words, or nothing without an interval."""
    found = sorted({one.confidence for one in estimates if one is not None})
    ends = dict.fromkeys(formatting.fraction(one) for one in (*found[:1], *found[-1:]))
    return f"{' to '.join(ends)} confidence" if ends else ""


def _memory(results: Sequence[ScenarioResult]) -> list[str]:
    usages = [result.usage for result in results]
    kinds = {usage.memory_kind for usage in usages if usage.peak_memory_bytes is not None}
    return [text for kind, text in _MEMORY_KINDS.items() if kind in kinds]


def _harness(results: Sequence[ScenarioResult], harness: HarnessResult | None) -> str:
    if harness is None:
        return "harness: what it can do was not measured in this run"
    return (
        f"harness: at most {formatting.ratio(harness.ceiling_rps)} jobs/s, {harness.jobs} "
        "at a time, with a server that answers at once; "
        f"{formatting.milliseconds(harness.cpu_ms_per_job, 1)} of CPU a job"
        f"{_headroom(results, harness)}{_open_client(harness)}"
    )


def _open_client(harness: HarnessResult) -> str:
    if harness.open_rps is None:
        return ""
    most = formatting.ratio(harness.open_rps)
    return f"; at scheduled times, at most {most} requests/s"


def _headroom(results: Sequence[ScenarioResult], harness: HarnessResult) -> str:
    rates = {
        result.name: rate_rps
        for result in results
        if result.capacity is None
        and result.offered is None
        and (rate_rps := derived.throughput_rps(result))
    }
    fastest = max(rates, key=rates.__getitem__, default=None)
    ceiling_rps = formatting.finite(harness.ceiling_rps)
    if fastest is None or ceiling_rps is None:
        return ""
    times = formatting.ratio(ceiling_rps / rates[fastest])
    return f"; {times} times the fastest scenario ({formatting.one_line(fastest)})"


def _null_control(results: Sequence[ScenarioResult]) -> list[str]:
    return [
        "null control: the ratio of the reference to itself is "
        f"{formatting.interval(ratio)}, and should be 1"
        for ratio in map(derived.null_control, results)
        if ratio is not None
    ]
