"""A verdict in words: what was judged, by how much it changed, how to repeat it."""

from __future__ import annotations

import shlex
from dataclasses import astuple
from pathlib import PurePath

from perf.config.header import RunHeader
from perf.judge.gate import Judged
from perf.report import formatting
from perf.report.result import ScenarioResult
from perf.stats import Verdict

_DEFAULT_PROFILE = "standard"
_DEFAULT_DEVICE = "cpu"
_OPENINGS = {
    Verdict.REGRESSED: "regressed",
    Verdict.UNCHANGED: "is unchanged",
    Verdict.IMPROVED: "improved",
    Verdict.INCONCLUSIVE: "is inconclusive (too little evidence), which is not a pass",
    Verdict.NO_BASELINE: "has no baseline that applies",
    Verdict.INVALID: "was not judged, because the measurement is invalid",
}
_WHAT = {
    Judged.EFFICIENCY: "its efficiency (throughput over that of the model alone)",
    Judged.RATIO: "its ratio (throughput over that of the reference)",
}


def explain(result: ScenarioResult, header: RunHeader) -> str:
    """Return the verdict, why, what is known besides, and how to repeat it, on one line."""
    verdict, why = result.judgement.verdict, _why(result)
    opening = f"{result.name} {_OPENINGS[verdict]}"
    sentences = [f"{opening}: {why}." if why else f"{opening}."]
    if verdict is Verdict.INVALID:
        sentences.append(f"It ran {_requests(result)}.")
    else:
        if verdict is Verdict.NO_BASELINE:
            wanted = f"machine class {header.machine_class}, model {header.model}"
            sentences.append(f"Wanted: {wanted}.")
        sentences.append(_ratio(result))
        if _is_compared(result):
            sentences.append(f"Since then: {_differences(result)}.")
    sentences.append(f"To repeat it alone: {repeat_command(result.name, header)}")
    return formatting.one_line(" ".join(filter(None, sentences)))


def reason(result: ScenarioResult) -> str:
    """Return why the verdict is what it is, for a reader who sees nothing else.

    Empty where the scenario is unchanged.
    """
    verdict = result.judgement.verdict
    if verdict is Verdict.UNCHANGED:
        return ""
    little = verdict is Verdict.INCONCLUSIVE and _is_compared(result)
    return f"too little evidence: {_why(result)}" if little else _why(result)


def remark(result: ScenarioResult) -> str:
    """Return what the tables do not show of a scenario, or nothing."""
    judgement, said = result.judgement, []
    if not _is_compared(result):
        said.append(_why(result))
    else:
        if judgement.judged is Judged.RATIO:
            said.append("judged by its ratio, for the baseline has no efficiency")
        if judgement.verdict is Verdict.INCONCLUSIVE:
            said.append(f"too little evidence: {_detectable(result)}")
        if judgement.verdict is not Verdict.UNCHANGED:
            said.append(f"since the baseline: {_differences(result)}")
    if result.requests.failed or result.requests.wrong:
        said.append(_requests(result))
    text = "; ".join(filter(None, said))
    return formatting.one_line(f"{result.name}: {text}") if text else ""


def repeat_command(name: str, header: RunHeader) -> str:
    """Return the shell line that measures a scenario again, in the same random order."""
    words = ["tox", "-e", name, "--", "--perf-seed", str(header.seed)]
    words += ["--perf-runtime", header.runtime]
    if header.device != _DEFAULT_DEVICE:
        words += ["--perf-device", header.device]
    if header.profile != _DEFAULT_PROFILE:
        words += ["--perf-profile", header.profile]
    return shlex.join([*words, *header.model_options])


def _is_compared(result: ScenarioResult) -> bool:
    """Return whether the verdict comes from a change since a baseline."""
    judgement = result.judgement
    return judgement.verdict is not Verdict.INVALID and judgement.change is not None


def _why(result: ScenarioResult) -> str:
    """Return the change with its interval and tolerance, or the judgement's own reason."""
    judgement = result.judgement
    if not _is_compared(result):
        return judgement.reason.rstrip(". ")
    moved = (
        f"{_WHAT[judgement.judged or Judged.EFFICIENCY]} changed by "
        f"{formatting.change_interval(judgement.change)} since "
        f"{_baseline(judgement.baseline_file)}; the tolerance is "
        f"{formatting.fraction(result.tolerance)}"
    )
    if judgement.verdict is not Verdict.INCONCLUSIVE:
        return moved
    return f"{moved}; {_detectable(result)}"


def _detectable(result: ScenarioResult) -> str:
    number = len({pair.launch for pair in result.pairs})
    launches = "1 launch" if number == 1 else f"{number} launches"
    loss = formatting.share(result.judgement.smallest_seen)
    return f"the smallest loss that {launches} can detect reliably is {loss}"


def _baseline(file: str | None) -> str:
    return f"baseline {PurePath(file).name}" if file else "its baseline"


def _ratio(result: ScenarioResult) -> str:
    judgement = result.judgement
    if judgement.ratio is None:
        return ""
    begin = "It has" if judgement.judged is Judged.RATIO else "For information: it has"
    said = (
        f"{begin} {formatting.interval(judgement.ratio)} times the reference's throughput"
    )
    if judgement.baseline_ratio is None:
        return f"{said}."
    return f"{said}, and had {formatting.ratio(judgement.baseline_ratio)} in the baseline."


def _differences(result: ScenarioResult) -> str:
    return ", ".join(result.judgement.differences) or (
        "no change of versions, settings, kernel or CPU"
    )


def _requests(result: ScenarioResult) -> str:
    total, failed, wrong = astuple(result.requests)
    return f"{total} jobs, {failed} failed, {wrong} answered wrongly"
