"""The table of scenarios, for a terminal and for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from perf.config.header import RunHeader
from perf.report import formatting
from perf.report.limits import NOTE, limits_table
from perf.report.rendering import escape, render
from perf.report.result import HarnessResult, ScenarioResult

_AGREEMENT = "agreement"
# Two-line headings keep the terminal's table narrow; a page gets them on one line.
_COLUMNS = {
    "scenario": "left",
    "jobs": "right",
    "time": "right",
    "throughput": "right",
    "ratio": "right",
    "baseline": "right",
    "verdict": "left",
    "efficiency": "right",
    _AGREEMENT: "right",
    "p50": "right",
    "p99": "right",
    "CPU\nmean": "right",
    "CPU\nmax": "right",
    "peak\nmemory": "right",
}
_KINDS = {
    "rss": "peak memory marked rss counts shared pages once for each process",
    "cgroup": "peak memory marked cgroup counts page cache too",
}


def rows(results: Sequence[ScenarioResult]) -> list[list[str]]:
    """Return one row of cells for each scenario, in the columns of the table."""
    columns = _columns(results)
    return [[cells[heading] for heading in columns] for cells in map(_cells, results)]


def _columns(results: Sequence[ScenarioResult]) -> dict[str, str]:
    """Return headings and alignment; an agreement is told where an engine has one."""
    agreed = any(result.agreement is not None for result in results)
    return {k: v for k, v in _COLUMNS.items() if k != _AGREEMENT or agreed}


def _cells(result: ScenarioResult) -> dict[str, str]:
    cells = (
        formatting.one_line(result.name),
        str(result.jobs),
        formatting.seconds(result.duration_s),
        formatting.rate(result.throughput_rps),
        formatting.interval(result.ratio),
        formatting.ratio(result.baseline_ratio),
        result.verdict.value,
        formatting.ratio(result.efficiency),
        formatting.share(result.agreement),
        formatting.milliseconds(result.latency_ms.get("p50")),
        formatting.milliseconds(result.latency_ms.get("p99")),
        formatting.percent(result.cpu_percent_mean),
        formatting.percent(result.cpu_percent_max),
        formatting.memory(result.peak_memory_bytes, result.memory_kind),
    )
    return dict(zip(_COLUMNS, cells, strict=True))


def text_table(
    header: RunHeader, results: Sequence[ScenarioResult], harness: HarnessResult | None
) -> str:
    """Return the report for a terminal, without a newline at its end."""
    columns = _columns(results)
    table = render(list(columns), rows(results), "simple", columns.values())
    notes = _notes(results, harness)
    parts = [header_line(header), "", table, "", *notes]
    if limits := limits_table(results, "simple"):
        parts += ["", limits, "", NOTE]
    return "\n".join(parts)


def markdown(
    header: RunHeader, results: Sequence[ScenarioResult], harness: HarnessResult | None
) -> str:
    """Return the report for a page in GitHub's Markdown, with a newline at its end."""
    columns = _columns(results)
    headings = [heading.replace("\n", " ") for heading in columns]
    cells = [[escape(cell) for cell in row] for row in rows(results)]
    return "\n".join(
        [
            "## Inference serving performance",
            "",
            f"**{_tally(results)}.** {escape(header_line(header))}",
            "",
            render(headings, cells, "pipe", columns.values()),
            "",
            *(f"- {escape(note)}" for note in _notes(results, harness)),
            "",
            *_limits(results),
            *_details("Machine", header.machine),
            *_details("Versions", header.versions),
        ]
    )


def _limits(results: Sequence[ScenarioResult]) -> list[str]:
    table = limits_table(results, "pipe")
    return ["### Limits", "", table, "", f"- {escape(NOTE)}", ""] if table else []


def header_line(header: RunHeader) -> str:
    """Return what holds for the whole run, on one line."""
    why = f" ({header.runtime_reason})" if header.runtime_reason else ""
    return formatting.one_line(
        f"profile {header.profile}; model {header.model}; runtime {header.runtime}{why}; "
        f"device {header.device}; "
        f"machine class {header.machine_class}; seed {header.seed}"
    )


def _tally(results: Sequence[ScenarioResult]) -> str:
    counts = Counter(result.verdict.value for result in results)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or (
        "No scenario was measured"
    )


def _notes(results: Sequence[ScenarioResult], harness: HarnessResult | None) -> list[str]:
    kinds = {r.memory_kind for r in results if r.peak_memory_bytes is not None}
    return [
        _legend(results),
        *(text for kind, text in _KINDS.items() if kind in kinds),
        *_harness_lines(results, harness),
        *_null_control(results),
        *(line for result in results if (line := _remark(result))),
    ]


def _legend(results: Sequence[ScenarioResult]) -> str:
    confidences = sorted({r.ratio.confidence for r in results if r.ratio is not None})
    shown = " or ".join(formatting.fraction(confidence) for confidence in confidences)
    ends = f" with its {shown} interval" if shown else ""
    return (
        f"ratio: throughput over the reference's{ends}; baseline: the stored ratio; "
        f"efficiency: throughput over the yardstick's; {formatting.UNKNOWN}: not known"
    )


def _harness_lines(
    results: Sequence[ScenarioResult], harness: HarnessResult | None
) -> list[str]:
    """Return what the harness can do, and how much of each scenario's CPU it took."""
    lines = []
    if harness is None:
        lines.append("harness: its ceiling was not measured in this run")
    else:
        lines.append(
            f"harness: {formatting.rate(harness.ceiling_rps)} at most, "
            f"{harness.jobs} jobs at a time, "
            f"{formatting.milliseconds(harness.cpu_ms_per_job, 1)} of CPU a job"
            f"{_headroom(results, harness)}"
        )
    shares = [
        f"{formatting.one_line(result.name)} "
        f"{formatting.percent(result.harness_cpu_percent, 1)}"
        for result in results
        if result.harness_cpu_percent is not None
    ]
    if shares:
        lines.append(f"harness's share of the CPU: {', '.join(shares)}")
    return lines


def _null_control(results: Sequence[ScenarioResult]) -> list[str]:
    return [
        "null control: the reference over itself is "
        f"{formatting.interval(result.null_control)}"
        for result in results
        if result.null_control is not None
    ]


def _headroom(results: Sequence[ScenarioResult], harness: HarnessResult) -> str:
    rates = {
        r.name: r.throughput_rps for r in results if formatting.finite(r.throughput_rps)
    }
    fastest = max(rates, key=rates.__getitem__, default=None)
    if fastest is None or formatting.finite(harness.ceiling_rps) is None:
        return ""
    times = harness.ceiling_rps / rates[fastest]
    return f"; {times:.0f} times the fastest scenario ({formatting.one_line(fastest)})"


def _remark(result: ScenarioResult) -> str:
    """Return the scenario's line under the table, or nothing where all is well."""
    failed, wrong = result.requests["failed"], result.requests["wrong"]
    said = []
    if result.reason:
        said.append(result.reason)
    if failed or wrong:
        said.append(f"{result.requests['total']} requests, {failed} failed, {wrong} wrong")
    return formatting.one_line(f"{result.name}: {'; '.join(said)}") if said else ""


def _details(title: str, facts: Mapping[str, str]) -> list[str]:
    if not facts:
        return []
    cells = [
        [escape(formatting.one_line(name)), escape(formatting.one_line(value))]
        for name, value in facts.items()
    ]
    table = render([title.lower(), "value"], cells, "pipe", ("left", "left"))
    # GitHub reads Markdown inside HTML only after a blank line.
    return ["<details>", f"<summary>{title}</summary>", "", table, "", "</details>", ""]
