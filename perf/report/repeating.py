"""Commands that measure a scenario again: as this run did, or for longer."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from perf.config.header import RunHeader
from perf.report.result import ScenarioResult
from perf.stats import Verdict

_DEFAULT_PROFILE = "standard"
_DEFAULT_DEVICE = "cpu"
_LONGER_MIN = 20
_TIMES = 2
"""How many times as long a scenario is measured, at least: less would tell little more."""


def again(result: ScenarioResult, header: RunHeader) -> str:
    """Return the shell line that repeats a scenario as this run began."""
    return repeat_command(result.name, header, _other(result))


def repeat_command(name: str, header: RunHeader, against: str = "") -> str:
    """Return the shell line that measures a scenario again, in the same random order.

    `against` is the other tree of a run side by side.
    """
    return _line(name, header, against, "--perf-seed", str(header.seed))


def longer(results: Sequence[ScenarioResult], header: RunHeader) -> str:
    """Return how to measure a scenario longer that had too little evidence, or nothing.

    Against a baseline alone more time would not help.
    """
    lacking = [one for one in results if _needs_time(one)]
    if not lacking:
        return ""
    one = lacking[0]
    had_min = header.budgets_s.get(one.name, 0.0) / 60.0
    minutes = max(_LONGER_MIN, math.ceil(_TIMES * had_min))
    command = _line(one.name, header, _other(one), "--perf-budget", str(minutes))
    return f"too little evidence: {minutes} minutes of {one.name} alone: {command}"


def _needs_time(result: ScenarioResult) -> bool:
    judgement = result.judgement
    is_open = judgement.verdict is Verdict.INCONCLUSIVE and judgement.is_compared
    return is_open and bool(judgement.against)


def _line(name: str, header: RunHeader, against: str, *options: str) -> str:
    words = ["tox", "-e", name, "--", *options, "--perf-runtime", header.runtime]
    if header.device != _DEFAULT_DEVICE:
        words += ["--perf-device", header.device]
    if header.profile != _DEFAULT_PROFILE:
        words += ["--perf-profile", header.profile]
    if against:
        words += [f"--perf-against={against}"]
    return shlex.join([*words, *header.model_options])


def _other(result: ScenarioResult) -> str:
    """Return the --perf-against that the run began with, or nothing.

    A run that was settled side by side began without it.
    """
    judgement = result.judgement
    return "" if judgement.before else judgement.against
