"""Advice after a run without a baseline: should the model be centralised?

Everything follows from what was measured. There is no advice where the evidence is thin:
with one pair, on a disturbed machine, or where an interval comes near 1. Nor is there any
where a baseline or another tree gave a verdict: that run was to answer another question.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perf.report import derived, formatting
from perf.report.result import ScenarioResult
from perf.stats import Block, Estimate, Verdict

_SERVED = "served"
_POOL = "decentralized-pool"
_USABLE = {Verdict.NO_BASELINE, Verdict.INVALID}
_FEWEST_PAIRS = 2
_CLEARLY = 1.05
"""How many times as fast one must be at least, by the whole interval, for a decision."""

_ABOUT_AS_FAST = 0.9
_LESS_MEMORY = 0.9
"""What share of the memory an alternative may need to be worth a line."""


@dataclass(frozen=True, slots=True)
class _Side:
    """What an arm needs; None where it is not known."""

    memory_bytes: int | None
    memory_kind: str
    p99_ms: float | None
    jobs: int | None
    """How many jobs ran at a time."""


def advice(results: Sequence[ScenarioResult], missing: Sequence[str] = ()) -> list[str]:
    """Return the advice, a line for each thought, the decision first.

    `missing` are the scenarios that the run has not measured so far. It is empty where the
    evidence is thin, or the run was judged.
    """
    if any(one.judgement.verdict not in _USABLE or one.disturbed for one in results):
        return []
    known = [(ratio, one) for one in results if (ratio := _ratio(one))]
    if not known:
        return []
    ratio, best = max(known, key=lambda each: each[0].low)
    if ratio.low > _CLEARLY:
        lines = [_decision("Centralise", best, ratio), *_costs(best, results)]
        lines += [*_alternative(best, known), _held_by(ratio, results)]
    elif all(each.high < 1.0 / _CLEARLY for each, _ in known) and not (
        missing or any(map(_is_unknown_server, results))
    ):
        lines = [_decision("Do not centralise", best, ratio), *_costs(best, results)]
        lines.append(
            "What would change it: a faster server (tox -e servers), or a faster engine in "
            "the server (tox -e engines)."
        )
    else:
        return []
    return [formatting.one_line(line) for line in [*lines, *_few_launches(best)]]


def _is_unknown_server(result: ScenarioResult) -> bool:
    """Return whether it is a server whose speed is not known: it could be the fastest."""
    is_served = result.spec.get("arm") == _SERVED
    return is_served and result.judgement.verdict is Verdict.INVALID


def _ratio(result: ScenarioResult) -> Estimate | None:
    """Return by how much a server is faster, or None where that is not known."""
    usable = (
        result.judgement.verdict is Verdict.NO_BASELINE
        and result.spec.get("arm") == _SERVED
        and len(result.pairs) >= _FEWEST_PAIRS
        and not (result.is_reference or result.capacity or result.offered)
    )
    return result.judgement.ratio if usable else None


def _decision(what: str, best: ScenarioResult, ratio: Estimate) -> str:
    only = "only " if ratio.point < 1.0 else ""
    return (
        f"{what}: {best.name} answers {only}{formatting.interval(ratio)} times as many "
        "images a second as jobs that each load the model "
        f"({formatting.fraction(ratio.confidence)} confidence)."
    )


def _costs(best: ScenarioResult, results: Sequence[ScenarioResult]) -> Iterator[str]:
    """Yield what a server needs in memory and latency, beside those jobs."""
    server, jobs = _scenario(best), _reference(best, results)
    if server.memory_bytes is not None:
        said = f"Memory: at most {_memory(server)}"
        if jobs.memory_bytes is not None and jobs.memory_kind == server.memory_kind:
            said += f", against {_memory(jobs)} without a server"
        yield f"{said}."
    if server.p99_ms is not None:
        said = f"Latency: p99 is {_latency(server)}"
        if jobs.p99_ms is not None:
            said += f", against {_latency(jobs)} without a server"
        yield f"{said}; the more jobs at a time, the longer each waits."


def _memory(side: _Side) -> str:
    return f"{formatting.memory(side.memory_bytes, side.memory_kind)}{_at_a_time(side)}"


def _latency(side: _Side) -> str:
    return f"{formatting.milliseconds(side.p99_ms)}{_at_a_time(side)}"


def _at_a_time(side: _Side) -> str:
    return "" if side.jobs is None else f" with {side.jobs} jobs at a time"


def _scenario(result: ScenarioResult) -> _Side:
    """Return what the report's tables have of a scenario."""
    p99_ms = derived.latency_ms(result).get("p99")
    usage = result.usage
    return _Side(usage.peak_memory_bytes, usage.memory_kind, p99_ms, result.jobs)


def _reference(best: ScenarioResult, results: Sequence[ScenarioResult]) -> _Side:
    """Return the same of the reference: of its own row, or else of its blocks."""
    rows = [one for one in results if one.is_reference and one.images]
    if rows:
        return _scenario(rows[0])
    blocks: list[Block] = [pair.reference for pair in best.pairs]
    memory = [one.memory_bytes for one in blocks if one.memory_bytes is not None]
    p99_ms = [one.p99_ms for one in blocks if one.p99_ms is not None]
    return _Side(
        memory_bytes=int(max(memory)) if memory else None,
        memory_kind=best.usage.memory_kind,
        p99_ms=statistics.median(p99_ms) if p99_ms else None,
        jobs=None,
    )


def _alternative(
    best: ScenarioResult, known: Sequence[tuple[Estimate, ScenarioResult]]
) -> Iterator[str]:
    """Yield a scenario that is about as fast and needs clearly less memory."""
    ratios = {one.name: ratio for ratio, one in known}
    most = best.usage.peak_memory_bytes
    enough = [
        (one.usage.peak_memory_bytes, one)
        for ratio, one in known
        if one.usage.peak_memory_bytes is not None
        and one.usage.memory_kind == best.usage.memory_kind
        and ratio.low > _CLEARLY
        and ratio.point >= _ABOUT_AS_FAST * ratios[best.name].point
    ]
    if most is None or not enough:
        return
    least, other = min(enough, key=lambda each: each[0])
    if least <= _LESS_MEMORY * most:
        times = formatting.interval(ratios[other.name])
        yield (
            f"{other.name} is about as fast ({times} times) and needs "
            f"{formatting.memory(least, other.usage.memory_kind)}."
        )


def _held_by(ratio: Estimate, results: Sequence[ScenarioResult]) -> str:
    """Return how much worse the server could be before the decision changes."""
    margin = formatting.percent(100.0 * (1.0 - 1.0 / ratio.low))
    return (
        f"What would change it: a server that loses more than {margin} of this throughput, "
        "or jobs that handle many images each, because they load the model once. "
        f"{_jobs_that_keep_it(results)}"
    )


def _jobs_that_keep_it(results: Sequence[ScenarioResult]) -> str:
    """Return what is known of jobs that load the model once."""
    for one in results:
        is_known = one.judgement.verdict is Verdict.NO_BASELINE
        if one.spec.get("arm") == _POOL and one.judgement.ratio and is_known:
            times = formatting.interval(one.judgement.ratio)
            return (
                f"Such jobs ({one.name}) answered {times} times as many images as those "
                "that load it for each."
            )
    return f"tox -e {_POOL} measures such jobs."


def _few_launches(best: ScenarioResult) -> Iterator[str]:
    if len({pair.launch for pair in best.pairs}) < _FEWEST_PAIRS:
        yield (
            "Only one launch of the server was measured, and launches differ: add "
            "--perf-launches 4."
        )
