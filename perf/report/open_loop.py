"""What a server bears: the capacity of each scenario, and requests at a fixed rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perf.report import formatting
from perf.report.fields import AMOUNT, COUNT, Schema, described
from perf.report.rendering import Align, Table
from perf.report.result import CapacityResult, OfferedResult, ScenarioResult
from perf.stats import Estimate

CAPACITY_NOTE = (
    "capacity: the highest rate, in requests a second, that meets the SLO: its share of "
    "the requests is answered rightly within its time, counted from their scheduled start; "
    "its interval [ ] (95 %) describes this run alone; "
    "confirmed: whether a fresh launch met the SLO at the interval's lower end (open: too "
    "few requests to say); closed loop: the throughput where each job begins as another "
    "ends; within: the capacity for other times, from the same requests (-: outside the "
    "rates that were tried); cliff: just above the capacity fewer than half of the "
    "requests are answered in time"
)
OFFERED_NOTE = (
    "rate: scheduled requests a second; goodput: those that were answered rightly within "
    "the SLO's time; attainment: their share; no answer: requests that failed or were too "
    "late for the job's deadline; response: from the scheduled start to the answer; "
    "service: from the send to the answer; lateness: from the scheduled start to the send"
)
_PERCENTILES: Schema = {"type": "object", "additionalProperties": AMOUNT}
CAPACITY_SCHEMA: Schema = {
    "description": "The highest rate that meets an SLO, in requests a second; null for a "
    "scenario that does not seek it.",
    "type": ["object", "null"],
    "required": ["slo_ms", "share", "rps", "low_rps", "high_rps", "closed_rps", "cliff"],
    "properties": {
        "slo_ms": described("The response time within which an answer is good.", AMOUNT),
        "share": described("The share of the requests that must be good.", AMOUNT),
        "rps": described("The capacity; null outside the rates that were tried.", AMOUNT),
        "low_rps": described("The lower end of its interval.", AMOUNT),
        "high_rps": described("The upper end.", AMOUNT),
        "closed_rps": described("The throughput of a closed loop.", AMOUNT),
        "cliff": {
            "description": "Whether fewer than half of the requests are good just above.",
            "type": "boolean",
        },
        "tiers_rps": {
            "description": "The capacity for other times, by milliseconds.",
            "type": "object",
            "additionalProperties": AMOUNT,
        },
        "attained": {
            "description": "The share of good requests, by rate.",
            "type": "object",
            "additionalProperties": AMOUNT,
        },
        "confirmed": {
            "description": "Whether a fresh launch met the SLO at low_rps.",
            "enum": ["yes", "no", "open", None],
        },
    },
}
OFFERED_SCHEMA: Schema = {
    "description": "What became of requests at a fixed rate; null for other scenarios.",
    "type": ["object", "null"],
    "required": ["rate_rps", "slo_ms", "goodput_rps", "attainment", "missed"],
    "properties": {
        "rate_rps": described("Scheduled requests a second.", AMOUNT),
        "slo_ms": described("The response time within which an answer is good.", AMOUNT),
        "goodput_rps": described("Good requests a second.", AMOUNT),
        "attainment": described("The share of good requests.", AMOUNT),
        "missed": described("Requests without an answer.", COUNT),
        "response_ms": described("From the scheduled start to the answer.", _PERCENTILES),
        "service_ms": described("From the send to the answer.", _PERCENTILES),
        "lateness_ms": described("From the scheduled start to the send.", _PERCENTILES),
    },
}


def capacity_table(results: Sequence[ScenarioResult]) -> Table | None:
    """Return one row for each scenario with a capacity, or None where none has one."""
    known = [(result, one) for result in results if (one := result.capacity)]
    tiers = sorted({slo_ms for _, one in known for slo_ms in one.tiers_rps})
    columns: list[tuple[str, Align]] = [
        ("scenario", "left"),
        ("SLO", "left"),
        ("capacity", "right"),
        ("confirmed", "left"),
        ("closed\nloop", "right"),
        *((f"within\n{formatting.milliseconds(slo_ms)}", "right") for slo_ms in tiers),
        ("cliff", "left"),
    ]
    return _table(columns, [_capacity_row(result, one, tiers) for result, one in known])


def offered_table(results: Sequence[ScenarioResult]) -> Table | None:
    """Return one row for each scenario at a fixed rate, or None where there is none."""
    columns: list[tuple[str, Align]] = [
        ("scenario", "left"),
        ("rate", "right"),
        ("SLO", "left"),
        ("goodput", "right"),
        ("attain-\nment", "right"),
        ("no\nanswer", "right"),
        ("response\np50", "right"),
        ("response\np99", "right"),
        ("service\np99", "right"),
        ("lateness\np99", "right"),
    ]
    known = [(result, one) for result in results if (one := result.offered)]
    return _table(columns, [_offered_row(result, one) for result, one in known])


def _table(
    columns: Sequence[tuple[str, Align]], rows: Sequence[Sequence[str]]
) -> Table | None:
    if not rows:
        return None
    return Table(
        headings=[heading for heading, _ in columns],
        alignment=[align for _, align in columns],
        rows=rows,
    )


def _capacity_row(
    result: ScenarioResult, one: CapacityResult, tiers: Sequence[float]
) -> list[str]:
    return [
        formatting.one_line(result.name),
        f"{formatting.fraction(one.share)} within {formatting.milliseconds(one.slo_ms)}",
        formatting.interval(_estimate(one)),
        one.confirmed or formatting.UNKNOWN,
        formatting.rate(one.closed_rps),
        *(_rate(one.tiers_rps.get(slo_ms)) for slo_ms in tiers),
        "yes" if one.cliff else "no",
    ]


def _estimate(one: CapacityResult) -> Estimate | None:
    if one.rps is None or one.low_rps is None or one.high_rps is None:
        return None
    return Estimate(point=one.rps, low=one.low_rps, high=one.high_rps, confidence=0.95)


def _offered_row(result: ScenarioResult, one: OfferedResult) -> list[str]:
    within = "" if one.slo_ms is None else f"within {formatting.milliseconds(one.slo_ms)}"
    return [
        formatting.one_line(result.name),
        formatting.rate(one.rate_rps),
        within or "any answer",
        formatting.rate(one.goodput_rps),
        formatting.percent(100.0 * one.attainment, 1),
        str(one.missed),
        _time(one.response_ms, "p50"),
        _time(one.response_ms, "p99"),
        _time(one.service_ms, "p99"),
        _time(one.lateness_ms, "p99", 2),
    ]


def _rate(value_rps: float | None) -> str:
    return formatting.UNKNOWN if value_rps is None else formatting.rate(value_rps)


def _time(percentiles: Mapping[str, float], name: str, decimals: int = 0) -> str:
    return formatting.milliseconds(percentiles.get(name), decimals)
