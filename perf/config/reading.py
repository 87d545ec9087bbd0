"""Reads the options of a run, once, into a frozen `Settings`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import platformdirs

from perf.config.options import Options, argument
from perf.config.overrides import overridden, repeat_options
from perf.config.profile import Profile
from perf.config.scenario import MAIN
from perf.config.selection import select_rows
from perf.config.settings import Settings
from perf.config.table import REFERENCE_ROW, Table
from perf.machine.facts import read_machine
from serving.device import DEVICES, Device
from serving.errors import ConfigError
from serving.model.choice import ModelChoice, photographs
from serving.runtimes.choice import RUNTIMES, DockerSettings
from serving.runtimes.sandbox import size_bytes

_AUTO = "auto"
_TURN_S = 0.5
_CONFIRM = (_AUTO, "never")
_AMOUNTS = ("total", "pairs", "launches")


def read_settings(option: Options, root: Path) -> Settings:
    """Return the run's settings. Raises ConfigError, naming the option at fault.

    `root` is the folder that the folder of reports is relative to.
    """
    table = Table.read()
    profile_name = option.text("profile")
    profile = _profile(table, profile_name, option)
    cores = max(1, int(read_machine().usable_cores))
    chosen, left_out = select_rows(
        table,
        families=option.texts("family") or [MAIN],
        names=option.texts("scenario"),
        profile=profile_name,
        cores=cores,
    )
    seed = option.number("seed")
    scenarios = tuple(overridden(row, option) for row in chosen)
    budget_min = option.decimal("budget")
    return Settings(
        profile_name=profile_name,
        profile=profile,
        scenarios=scenarios,
        left_out=left_out,
        reference=table.find(REFERENCE_ROW),
        model=ModelChoice.parse(
            option.text("model") or profile.model, option.text("weights")
        ),
        images=_images(option.text("images")),
        runtime=_one_of("runtime", option.text("runtime"), RUNTIMES),
        device=_device(option.text("device")),
        docker=_docker(option),
        cores=cores,
        threads=option.number("threads") or 1,
        seed=random.SystemRandom().randrange(2**32) if seed is None else seed,
        arrivals_seed=option.number("arrivals_seed") or 0,
        repeat_options=repeat_options(option),
        budget_s=None if budget_min is None else 60.0 * budget_min,
        amounts_asked=any(option.number(name) is not None for name in _AMOUNTS),
        against=option.text("against"),
        sweep=_sweep(table, option.text("sweep")),
        confirm=_one_of("confirm", option.text("confirm") or _AUTO, _CONFIRM) == _AUTO,
        turn_s=_TURN_S if (turn_s := option.decimal("turn")) is None else turn_s,
        port=option.number("port") or 0,
        startup_timeout_s=option.number("startup_timeout") or 180,
        job_timeout_s=option.number("job_timeout") or 120,
        require_baseline=option.flag("require_baseline"),
        limits=option.flag("limits"),
        cache=_cache(option.text("cache")),
        reports=root / option.text("reports"),
        history=root / history if (history := option.text("history")) else None,
    )


def _sweep(table: Table, name: str) -> str:
    if name:
        table.plan(name, lambda _: "")  # it must make sense on any machine
    return name


def _docker(option: Options) -> DockerSettings:
    memory = option.text("docker_memory") or None
    if memory is not None:
        size_bytes(memory)  # it must be a size, whatever the runtime
    return DockerSettings(
        base=option.text("docker_base") or os.environ.get("PERF_DOCKER_BASE"),
        wheels=_folder("docker_wheels", option, "PERF_DOCKER_WHEELS"),
        cpus=option.decimal("docker_cpus"),
        memory=memory,
    )


def _profile(table: Table, name: str, option: Options) -> Profile:
    if name not in table.profile:
        known = ", ".join(table.profile)
        raise ConfigError(f"--perf-profile {name}: no such profile; known: {known}")
    changes: dict[str, int] = {
        field: value
        for field in ("jobs", "pairs", "launches")
        if (value := option.number(field)) is not None
    }
    profile = table.profile[name]
    total = option.number("total")
    if total is not None:
        pairs = changes.get("pairs") or max(1, total // profile.block_images)
        if pairs > total:
            raise ConfigError(
                f"--perf-total {total}: too few for {pairs} pairs; see --perf-pairs"
            )
        block = total // pairs
        reference = min(block, profile.reference_images)
        changes |= {"block_images": block, "reference_images": reference, "pairs": pairs}
    if "launches" not in changes:
        pairs = changes.get("pairs", profile.pairs)
        changes["launches"] = min(profile.launches, pairs)
    profile = profile.model_copy(update=changes)
    if profile.launches > profile.pairs:
        raise ConfigError(
            f"--perf-launches {profile.launches}: there are {profile.pairs} pairs, and "
            "every launch measures at least one; see --perf-pairs"
        )
    return profile


def _images(folder: str) -> tuple[Path, ...]:
    """Return the photograph of the kitten, or the user's files in the order of names."""
    if not folder:
        return tuple(path for path in photographs() if path.stem == "kitten")
    try:
        if not Path(folder).is_dir():
            raise ConfigError(f"--perf-images {folder}: there is no such folder")
        found = sorted(
            p.resolve() for p in Path(folder).iterdir() if not p.name.startswith(".")
        )
        # A link to nowhere was meant as an image.
        files = [p for p in found if p.is_file() or not p.exists()]
        images = tuple(p for p in files if p.suffix.lower() != ".md")
        for image in images:
            image.open("rb").close()
    except OSError as error:
        file = error.filename or folder
        raise ConfigError(f"--perf-images {file}: {error.strerror}") from None
    except RuntimeError:  # Python 3.11 and 3.12 call a loop of links so
        raise ConfigError(f"--perf-images {folder}: a link in it has no end") from None
    if not images:
        raise ConfigError(f"--perf-images {folder}: there is no image in it")
    return images


def _folder(name: str, option: Options, variable: str) -> Path | None:
    asked = option.text(name)
    given = asked or os.environ.get(variable)
    if not given:
        return None
    path = Path(given)
    source = argument(name) if asked else variable
    try:
        is_folder = path.is_dir()
    except OSError as error:  # it is too long, or lies where we may not look
        raise ConfigError(f"{source} {given}: {error.strerror}") from None
    if not is_folder:
        raise ConfigError(f"{source} {given}: there is no such folder")
    return path.resolve()


def _cache(given: str) -> Path:
    folder = given or os.environ.get("PERF_CACHE")
    try:
        return Path(folder or platformdirs.user_cache_dir("serving-perf")).resolve()
    except (OSError, RuntimeError):  # Python 3.11 and 3.12 call a loop of links so
        raise ConfigError(f"{argument('cache')} {folder}: it cannot be used") from None


def _device(value: str) -> Device:
    _one_of("device", value, DEVICES)
    return "cuda" if value == "cuda" else "cpu"


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ConfigError(f"{argument(name)} {value}: choose {' or '.join(known)}")
    return value
