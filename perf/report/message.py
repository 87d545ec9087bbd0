"""What a verdict means, in words: which scenario, by how much, against which file."""

from __future__ import annotations

import shlex

from perf.config.header import RunHeader
from perf.report import formatting
from perf.report.result import ScenarioResult
from perf.stats import Verdict

_DEFAULT_PROFILE = "standard"
_DEFAULT_DEVICE = "cpu"
_OPENINGS = {
    Verdict.REGRESSED: "has regressed",
    Verdict.UNCHANGED: "is unchanged",
    Verdict.IMPROVED: "has improved",
    Verdict.INCONCLUSIVE: "is inconclusive, and too little evidence is no pass",
    Verdict.NO_BASELINE: "has no baseline that applies",
    Verdict.INVALID: "was not measured validly, so it was not judged",
}


def explain(result: ScenarioResult, header: RunHeader) -> str:
    """Return one paragraph, on one line: what the verdict is, why, and how to repeat it."""
    sentences = [f"{result.name} {_OPENINGS[result.verdict]}."]
    if result.verdict is Verdict.INVALID:
        sentences.append(_requests(result))
    else:
        sentences.append(_measured(result))
        sentences.append(_baseline(result, header))
    if result.reason:
        sentences.append(f"Reason: {result.reason.rstrip('. ')}.")
    sentences.append(
        f"To repeat this scenario alone: {repeat_command(result.name, header)}"
    )
    return formatting.one_line(" ".join(sentences))


def repeat_command(name: str, header: RunHeader) -> str:
    """Return the shell line that measures the named scenario again, in the same order."""
    words = ["tox", "-e", name, "--", "--perf-seed", str(header.seed)]
    words += ["--perf-runtime", header.runtime]
    if header.device != _DEFAULT_DEVICE:
        words += ["--perf-device", header.device]
    if header.profile != _DEFAULT_PROFILE:
        words += ["--perf-profile", header.profile]
    return shlex.join(words)


def _measured(result: ScenarioResult) -> str:
    if result.ratio is None:
        return "Its ratio to the reference could not be estimated."
    return (
        f"Its throughput is {formatting.interval(result.ratio)} times the reference's "
        f"({formatting.fraction(result.ratio.confidence)} interval)."
    )


def _baseline(result: ScenarioResult, header: RunHeader) -> str:
    if result.verdict is Verdict.NO_BASELINE:
        return f"Wanted: machine class {header.machine_class}, model {header.model}."
    if result.baseline_ratio is None:
        return "It was compared with no baseline."
    moved = "The change could not be estimated"
    if result.change is not None:
        change = result.change
        moved = (
            f"That is a change of {formatting.change(change.point)} "
            f"({formatting.fraction(change.confidence)} interval: "
            f"{formatting.change(change.low)} to {formatting.change(change.high)})"
        )
    return (
        f"{moved} against {formatting.ratio(result.baseline_ratio)} in "
        f"{result.baseline_file or 'a baseline without a file'}, "
        f"where the tolerance is {formatting.fraction(result.tolerance)}."
        f"{_differences(result)}"
    )


def _differences(result: ScenarioResult) -> str:
    if not result.differences:
        return " Versions, settings, kernel and CPU are as they were then."
    return f" Since then: {', '.join(result.differences)}."


def _requests(result: ScenarioResult) -> str:
    counts = result.requests
    return (
        f"Of {counts['total']} requests {counts['failed']} failed "
        f"and {counts['wrong']} were answered wrongly."
    )
