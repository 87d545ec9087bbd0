"""The whole examination: all groups of findings, and what follows from them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perf.commands.doctor import here, noise, rows
from perf.commands.doctor.findings import Examination, Finding, Group, Level
from perf.commands.doctor.judging import Judging
from perf.commands.rebaseline import LAUNCHES, PAIRS_PER_LAUNCH
from perf.config.settings import Settings
from perf.experiment.header import run_header
from perf.judge.baselines import BaselineStore
from perf.machine.facts import Machine, read_machine
from serving.child import ChildError
from serving.errors import ConfigError
from serving.runtimes.choice import RuntimeChoice

_NOISE, _BASELINES = "How noisy it is", "Which baseline applies"
_LOSSES = "The smallest loss that a calm machine would show 95 times in 100 (an estimate)"
_NAMED = "--perf-scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to examine."""

    settings: Settings
    """Of the run that could start."""

    storage: Path
    """The folder of the baselines."""

    duration_s: float
    """For how long to watch the machine."""

    options: Sequence[str] = ()
    """The options of the run that were given, to repeat them in commands."""

    storage_option: Sequence[str] = ()
    """The option that names `storage`; empty where it is the usual folder."""

    running: str = ""
    """The process that measures here now, which must not be disturbed; empty for none."""


def examine(request: Request) -> Examination:
    """Return all that is found."""
    settings, machine = request.settings, read_machine()
    runtime = _runtime(settings)
    installed = list(here.software(runtime, settings.device))
    judged: list[Group] = []
    lacking = [row.name for row in settings.scenarios]
    loads_torch = settings.device != "cpu"
    may_judge = not here.missing_packages() and not (request.running and loads_torch)
    if isinstance(runtime, RuntimeChoice) and may_judge:
        request, unfit = _measurable(request, runtime, machine)
        installed += unfit
        judged, lacking = _judged(request, runtime)
    heard, is_calm = _noise(request, machine.usable_cores)
    groups = [
        Group("This machine", list(here.machine(machine, settings, request.running))),
        Group("What is installed", installed),
        heard,
        *judged,
    ]
    faults = [one for group in groups for one in group.faults]
    following = _following(request, faults, lacking, is_calm=is_calm)
    return Examination(groups=groups, following=following, is_calm=is_calm)


def _runtime(settings: Settings) -> RuntimeChoice | ConfigError:
    """Return where servers will run, or why they cannot."""
    try:
        return RuntimeChoice.make(settings.runtime, settings.device)
    except ConfigError as error:
        return error


def _measurable(
    request: Request, runtime: RuntimeChoice, machine: Machine
) -> tuple[Request, list[Finding]]:
    """Return the request without the rows that would be skipped, and what is said of them.

    It is a fault to skip a row that was named, or all rows.
    """
    asked = request.settings
    reasons = rows.refused(asked, runtime, machine)
    left = tuple(row for row in asked.scenarios if row.name not in reasons)
    is_fault = not left or _NAMED in request.options
    level = Level.FAULT if is_fault else Level.WARNING
    said = [
        *rows.refusals(reasons, asked.device, level),
        *rows.without_packages(left, runtime),
    ]
    return replace(request, settings=replace(asked, scenarios=left)), said


def _noise(request: Request, usable_cores: float) -> tuple[Group, bool | None]:
    """Return how noisy the machine is, and whether it is calm; None where not known."""
    if request.running:
        said = "not watched: that would disturb the run that is measuring"
        return Group(_NOISE, [Finding(said, Level.WARNING)]), None
    try:
        heard = noise.listen(request.duration_s, usable_cores)
    except ChildError as error:
        said = str(error).partition("\n")[0]
        fault = Finding(said, Level.FAULT, "python3 -m tox run -r -e perf --notest")
        return Group(_NOISE, [fault]), None
    return Group(_NOISE, list(noise.findings(heard))), heard.is_calm


def _judged(request: Request, runtime: RuntimeChoice) -> tuple[list[Group], list[str]]:
    """Return how the scenarios would be judged, and which have no baseline."""
    settings = request.settings
    if not settings.scenarios:
        return [], []
    try:
        header = run_header(settings, runtime)
    except ChildError:  # torch cannot be asked for a card; another finding tells that
        return [], []
    try:
        store = BaselineStore(request.storage)
        judging = Judging(settings=settings, header=header, store=store)
        lacking = judging.without_baseline
        return [
            Group(_BASELINES, list(judging.baselines(_record(request, lacking)))),
            Group(_LOSSES, list(judging.smallest_losses())),
        ], lacking
    except ConfigError as error:
        remedy = "git checkout baselines"
        if request.storage_option:
            remedy = "restore the file, or name another folder with --benchmark-storage"
        fault = Finding(str(error), Level.FAULT, remedy)
        return [Group(_BASELINES, [fault])], []


def _following(
    request: Request,
    faults: Sequence[Finding],
    lacking: Sequence[str],
    *,
    is_calm: bool | None,
) -> list[str]:
    """Return the commands to type next; `lacking` are scenarios without a baseline."""
    doctor, found = _tox(request, "doctor", *request.storage_option), []
    if faults:
        return [f"{doctor}  # again, when everything marked x is fixed"]
    if is_calm is False:
        found = [f"{doctor}  # again, when the machine is calm"]
    if len(lacking) < len(request.settings.scenarios):
        return [*found, _run(request)]
    if "--perf-profile" not in request.options:
        found.append(_run(request, "--perf-profile", "smoke"))
    return [*found, _record(request, lacking)]


def _record(request: Request, lacking: Sequence[str]) -> str:
    """Return the command that records a baseline of the scenarios that have none."""
    some = len(lacking) < len(request.settings.scenarios)
    these = [_NAMED, ",".join(lacking)] if some and _NAMED not in request.options else []
    if not request.storage_option:
        return _tox(request, "rebaseline", *these)
    # `rebaseline` keeps a candidate in the usual folder only, so this does the same.
    amounts = ["--perf-launches", str(LAUNCHES)]
    amounts += ["--perf-pairs", str(LAUNCHES * PAIRS_PER_LAUNCH)]
    return _run(request, *these, *amounts, "--benchmark-save=baseline")


def _run(request: Request, *more: str) -> str:
    """Return the command that measures the rows, in their own environment."""
    environment = rows.environment(request.settings.scenarios)
    return _tox(request, environment, *request.storage_option, *more)


def _tox(request: Request, environment: str, *more: str) -> str:
    """Return a command with the options that were given."""
    words = [*request.options, *more]
    return shlex.join(["tox", "-e", environment, *(["--", *words] if words else [])])
