"""A verdict in words: what was judged, by how much it changed, how to repeat it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath

from perf.config.header import RunHeader
from perf.judge.judgement import Judged, Judgement
from perf.report import formatting
from perf.report.repeating import again
from perf.report.result import ScenarioResult
from perf.stats import THROUGHPUT, Verdict

_SHORT_BLOCK_S, _LONG_BLOCK_S = 2.0, 5.0
_OPENINGS = {
    Verdict.REGRESSED: "regressed",
    Verdict.UNCHANGED: "is unchanged",
    Verdict.IMPROVED: "improved",
    Verdict.INCONCLUSIVE: "is inconclusive",
    Verdict.NO_BASELINE: "has no baseline that applies",
    Verdict.INVALID: "was not judged, because the measurement is invalid",
}
_WHAT = {
    "throughput": "throughput at equal pace of the cores",
    "goodput": "goodput",
    "capacity": "capacity at equal pace of the cores",
    "memory": "peak memory",
    "cpu": "CPU time of an image at equal pace of the cores",
    "p99": "p99 of the latency at equal pace of the cores",
}


def explain(result: ScenarioResult, header: RunHeader) -> str:
    """Return the verdict, why, what is known besides, and how to repeat it, on one line."""
    said, command = account(result, header), again(result, header)
    return formatting.one_line(f"{said} To repeat it alone: {command}")


def in_turns(results: Sequence[ScenarioResult]) -> str:
    """Return how two trees were measured at the same time; empty where none were."""
    turns_s = sorted({one.judgement.turn_s for one in results if one.judgement.turn_s})
    if not turns_s:
        return ""
    lengths = " or ".join(f"{turn_s:g}" for turn_s in turns_s)
    return (
        f"side by side: both trees ran in the same minutes, in turns of {lengths} s; times "
        "are those of a tree's own turns"
    )


def account(result: ScenarioResult, header: RunHeader) -> str:
    """Return the verdict, why, and what is known besides, on one line."""
    judgement = result.judgement
    opening, why = f"{result.name} {_OPENINGS[judgement.verdict]}", _why(result)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        sentences = [f"{opening}.", f"{why[:1].upper()}{why[1:]}."]
    else:
        sentences = [f"{opening}: {why}." if why else f"{opening}."]
    if judgement.verdict is Verdict.INVALID:
        sentences += [f"It ran {_requests(result)}.", _before(judgement)]
    else:
        if judgement.verdict is Verdict.NO_BASELINE:
            wanted = f"machine class {header.machine_class}, model {header.model}"
            sentences.append(f"Wanted: {wanted}.")
        sentences += [_ratio(result), _before(judgement)]
        if judgement.is_compared:
            sentences.append(f"{_differences(judgement)}.")
    return formatting.one_line(" ".join(filter(None, sentences)))


def reason(result: ScenarioResult) -> str:
    """Return why the verdict is what it is, for a reader who sees nothing else.

    Empty where the scenario is unchanged.
    """
    return "" if result.judgement.verdict is Verdict.UNCHANGED else _why(result)


def remark(result: ScenarioResult) -> str:
    """Return what the tables do not show of a scenario, or nothing."""
    judgement = result.judgement
    said = _beside_the_table(result) if judgement.is_compared else [_why(result)]
    said.append(_lowered(_before(judgement)))
    if result.requests.failed or result.requests.wrong:
        said.append(_requests(result))
    if result.replaced:
        pairs = f"{len(result.replaced)} disturbed pairs were"
        if len(result.replaced) == 1:
            pairs = "1 disturbed pair was"
        said.append(f"{pairs} measured again; the first: {result.replaced[0]}")
    text = "; ".join(filter(None, said))
    return formatting.one_line(f"{result.name}: {text}") if text else ""


def _why(result: ScenarioResult) -> str:
    """Return what changed and by how much, or the judgement's own reason."""
    judgement = result.judgement
    if not judgement.is_compared:
        return judgement.reason.rstrip(". ").removeprefix(f"{result.name}: ")
    if judgement.against:
        said = f"{_over(judgement)}: {_told(judgement)}"
    else:
        said = _told(judgement, f" since {_baseline(judgement)}")
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return f"too little evidence: {said}; {_detectable(result)}"
    return "; ".join(filter(None, (said, _missed(judgement))))


def _told(judgement: Judgement, since: str = "") -> str:
    """Return what decided the verdict, and throughput where something else did."""
    throughput, worse = judgement.quantities[0], judgement.worse
    first, *others = worse or (throughput,)
    said = [_moved(first, since), *map(_moved, others)]
    if worse and throughput not in worse:
        interval = formatting.change_interval(throughput.change)
        said.append(f"{throughput.quantity} {_OPENINGS[throughput.verdict]} ({interval})")
    return "; ".join(said)


def _beside_the_table(result: ScenarioResult) -> list[str]:
    """Return what decided the verdict, except what the table shows."""
    judgement, said = result.judgement, []
    if judgement.verdict is Verdict.INCONCLUSIVE:
        said.append(f"too little evidence: {_detectable(result)}")
    if judgement.against:
        said.append(_over(judgement))
    said.append(_missed(judgement))
    shown = judgement.quantities[0]
    said += [_moved(one) for one in judgement.worse if one is not shown]
    said += [f"not certain: {_moved(one)}" for one in judgement.suspects]
    said += [
        f"{_WHAT[name]} could not be judged: {why}"
        for name, why in judgement.incomplete.items()
    ]
    if judgement.verdict is not Verdict.UNCHANGED:
        said.append(_lowered(_differences(judgement)))
    return said


def _moved(one: Judged, since: str = "") -> str:
    """Return one quantity's change, with its interval and tolerance."""
    return (
        f"{_WHAT[one.quantity]} changed by {formatting.change_interval(one.change)}{since} "
        f"(tolerance {formatting.fraction(one.tolerance)})"
    )


def _over(judgement: Judgement) -> str:
    """Return which tree is compared with which, side by side."""
    return f"{judgement.ours} over {judgement.against}"


def _missed(judgement: Judgement) -> str:
    """Return that the tolerance is not that of other runs side by side, or nothing."""
    if judgement.missed_tolerance is None:
        return ""
    smaller = formatting.fraction(judgement.missed_tolerance)
    own = formatting.fraction(judgement.quantities[0].tolerance)
    return (
        f"too little evidence that the change lies inside {smaller}, but it lies inside "
        f"the row's own tolerance of {own}"
    )


def _before(judgement: Judgement) -> str:
    """Return what the baseline said where it was to be settled, as a sentence."""
    if judgement.unsettled:
        why = judgement.unsettled.rstrip(". ")
        return f"It could not be settled side by side: {why}."
    before = judgement.before
    if before is None:
        return ""
    why = before.reason or (_told(before) if before.quantities else "")
    said = f"says {before.verdict}: {why}" if why else f"says {before.verdict}"
    if before.verdict is Verdict.INCONCLUSIVE and not before.reason:
        said = "leaves it open"
    told = f"{_baseline(before)} alone {said}; the run side by side counts."
    return f"{told[:1].upper()}{told[1:]}"


def _detectable(result: ScenarioResult) -> str:
    number = len({pair.launch for pair in result.against_pairs or result.pairs})
    launches = "1 launch" if number == 1 else f"{number} launches"
    loss = formatting.share(result.judgement.smallest_seen)
    said = f"the smallest loss that {launches} would show 95 times in 100 is {loss}"
    return "; ".join(filter(None, (said, _longer_blocks(result, number))))


def _longer_blocks(result: ScenarioResult, launches: int) -> str:
    """Return how to measure longer blocks, where they are short and that is possible.

    A baseline holds for blocks of one size only, and the size of blocks whose jobs load
    the model has a limit of its own.
    """
    pairs = len(result.pairs)
    is_beside = result.judgement.against and not result.against_pairs
    if not (is_beside and pairs and result.images) or result.reloads:
        return ""
    lasts_s = result.duration_s / pairs
    if lasts_s >= _SHORT_BLOCK_S:
        return ""
    total = math.ceil(result.images * _LONG_BLOCK_S / lasts_s)
    return (
        f"a block lasts only {formatting.seconds(lasts_s)}, and longer blocks vary less: "
        f"add --perf-launches {launches} --perf-pairs {pairs} --perf-total {total}"
    )


def _baseline(judgement: Judgement) -> str:
    file = judgement.baseline_file
    return f"baseline {PurePath(file).name}" if file else "its baseline"


def _ratio(result: ScenarioResult) -> str:
    """Return by how much the figure that is judged is that of the reference."""
    judgement = result.judgement
    if judgement.ratio is None:
        return ""
    times = formatting.interval(judgement.ratio)
    figure = result.pairs[0].scenario.figure if result.pairs else THROUGHPUT.name
    said = f"For information: its {figure} is {times} times the reference's"
    if judgement.baseline_ratio is None:
        return f"{said}."
    then = formatting.ratio(judgement.baseline_ratio)
    return f"{said}, and was {then} times in the baseline."


def _differences(judgement: Judgement) -> str:
    found = ", ".join(judgement.differences)
    if judgement.against:
        return f"Besides the code: {found}" if found else "Same versions and settings"
    return f"Since then: {found}" if found else "Same versions, settings, kernel and CPU"


def _lowered(sentence: str) -> str:
    """Return a sentence as a part of a longer one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _requests(result: ScenarioResult) -> str:
    seen = result.requests
    return f"{seen.total} jobs, {seen.failed} failed, {seen.wrong} answered wrongly"
