"""What the rows of a run need: a tox environment, packages, a machine that can run them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perf.commands.doctor.findings import Finding, Level
from perf.config.scenario import MAIN, Scenario
from perf.config.settings import Settings
from perf.config.table import Table
from perf.experiment.lab import refusal
from perf.machine.facts import Machine
from perf.machine.versions import versions
from serving.backends.registry import find_backend
from serving.child import ChildError
from serving.device import Device, find_card
from serving.engines import find_engine
from serving.errors import ConfigError
from serving.runtimes.choice import RuntimeChoice

OWN = "perf"
"""The environment of the main rows, in which the doctor runs too."""


def environment(rows: Sequence[Scenario]) -> str:
    """Return the tox environment that measures these rows.

    It is that of their family, as in toxfile.py. Rows of several families are measured in
    that of the last family in the table: it installs what those before it install, too.
    """
    families = {row.family for row in rows}
    known = dict.fromkeys(row.family for row in Table.read().scenario)
    last = [MAIN, *(family for family in known if family in families)][-1]
    return OWN if last == MAIN else last


def refused(settings: Settings, runtime: RuntimeChoice, machine: Machine) -> dict[str, str]:
    """Return why a run would skip a row, by its name, for each row that it would skip.

    Where the card is missing, no row is named: another finding tells that.
    """
    try:
        if settings.device == "cuda" and find_card().missing:
            return {}
    except ChildError:  # torch is missing, which another finding tells
        return {}
    reasons = {
        row.name: _refusal(row, settings.device, runtime.name, machine)
        for row in settings.scenarios
    }
    return {name: reason for name, reason in reasons.items() if reason}


def _refusal(row: Scenario, device: Device, runtime: str, machine: Machine) -> str:
    try:
        return refusal(row, device, runtime, machine)
    except ConfigError as error:
        return str(error)


def refusals(reasons: Mapping[str, str], device: Device, level: Level) -> Iterator[Finding]:
    """Yield each reason once, with the rows that a run would skip for it."""
    others = "choose other rows with --perf-scenario"
    remedy = f"install what is missing, or {others}"
    if device != "cpu":
        remedy = f"leave --perf-device out, or {others}"
    for reason in dict.fromkeys(reasons.values()):
        names = ", ".join(name for name, why in reasons.items() if why == reason)
        yield Finding(f"{names} cannot be measured: {reason}", level, remedy)


def without_packages(rows: Sequence[Scenario], runtime: RuntimeChoice) -> Iterator[Finding]:
    """Yield a fault for each row that needs a package which its environment lacks.

    Nothing is said of another environment than the doctor's own: tox makes it when it is
    named, with what the rows of its family need.
    """
    if environment(rows) != OWN:
        return
    found = versions()
    for row in rows:
        if missing := [name for name in _packages(row, runtime) if name not in found]:
            yield Finding(
                f"{row.name} needs {', '.join(missing)}, which `tox -e {OWN}` lacks",
                Level.FAULT,
                "give its row the family of an environment that installs it",
            )


def _packages(row: Scenario, runtime: RuntimeChoice) -> tuple[str, ...]:
    """Return the packages that a row needs here; a container brings its server's own."""
    packages = find_engine(row.engine).packages
    if row.kind.served and runtime.name == "process":
        packages += find_backend(row.backend).packages
    return packages
