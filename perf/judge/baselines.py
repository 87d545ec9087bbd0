"""Baselines: the only module that knows how the folder `baselines/` is organised.

It is the storage of pytest-benchmark, which writes the files PLATFORM/NNNN_NAME.json. The
file with the highest number is the newest. What the gate needs is in the `extra_info` of
each benchmark; see `perf.judge.stored`.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from perf.judge.stored import (
    CPU,
    EXTRA,
    SCHEMA_VERSION,
    BaselineRun,
    Identity,
    StoredResult,
    first_fault,
)
from perf.stats import Sample, TooFewPairs
from serving.errors import ConfigError

_WITHOUT_PACE = 3  # the last schema of a suite that measured no pace
_NO_COMMIT = "unknown"
_OTHER_FOLDER = "name another folder with --benchmark-storage"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored result of one scenario."""

    path: Path
    name: str
    """The scenario's name."""

    identity: Identity

    runs: tuple[BaselineRun, ...]
    """Its runs; their launches are numbered through all of them."""

    commit: str
    """The commit that was measured; empty where it is unknown or had changes."""

    about: Mapping[str, str]
    """Facts that do not decide whether it applies, but may explain a change.

    They are versions, the image's digest, the kernel, the CPU and the server's settings.
    """

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The pairs of each run."""
        return tuple(run.sample for run in self.runs)

    @property
    def sample(self) -> Sample:
        """The pairs of all runs."""
        return Sample(pair for run in self.runs for pair in run.sample.pairs)

    def differences(self, about: Mapping[str, str]) -> list[str]:
        """Return a phrase for each fact of the baseline that is different in `about`."""
        return [
            f"{key} {self.about[key]} -> {about[key]}"
            for key in sorted(self.about.keys() & about.keys())
            if self.about[key] != about[key]
        ]


class BaselineStore:
    """The baselines of one storage folder, newest first."""

    def __init__(self, folder: Path, only: str | None = None) -> None:
        """Read every file, or with `only` those that --benchmark-compare=ONLY would read.

        Raises ConfigError where a file is damaged, or was not written by this suite.
        """
        self.folder = folder
        self._only = only
        self._baselines: list[Baseline] = []
        self._without_pace: dict[str, Path] = {}
        for path in self._files():
            self._baselines += read_baselines(path)
            for name in _names_without_pace(path):
                self._without_pace.setdefault(name, path)

    def find(self, name: str, identity: Identity) -> tuple[Baseline | None, str]:
        """Return the newest baseline that applies, or None and the reason on one line.

        Baselines of the same CPU come before those of another one. The reason names the
        differences to the baseline that has the fewest.
        """
        only = f" (--benchmark-compare={self._only})" if self._only else ""
        reason, fewest = f"no baseline for {name} in {self.folder}{only}", math.inf
        if old := self._without_pace.get(name):
            reason = (
                f"{old.name} is of an older suite and has no pace: record it again with "
                "--benchmark-save"
            )
        elsewhere: Baseline | None = None
        for baseline in self._baselines:
            if baseline.name != name:
                continue
            differences = identity.differences(baseline.identity)
            if not differences:
                if not identity.is_of_another_cpu(baseline.identity):
                    return baseline, ""
                elsewhere = elsewhere or baseline
            if len(differences) < fewest:
                fewest = len(differences)
                reason = f"{baseline.path.name} does not apply: {'; '.join(differences)}"
        return elsewhere, "" if elsewhere else reason

    def all(self) -> tuple[Baseline, ...]:
        """Return every baseline, newest first."""
        return tuple(self._baselines)

    def newest_file(self, wanted: Mapping[str, Identity]) -> Path | None:
        """Return the newest file with a baseline that applies to any scenario.

        `wanted` maps the names of the scenarios to their identities.
        """
        found = (self.find(name, identity)[0] for name, identity in wanted.items())
        paths = (baseline.path for baseline in found if baseline is not None)
        return max(paths, key=lambda path: path.name, default=None)

    def _files(self) -> Iterator[Path]:
        if self._only and Path(self._only).is_file():
            yield Path(self._only)
            return
        files = [p for p in self.folder.glob("*/*.json") if p.name[:4].isdigit()]
        only = (self._only or "").rstrip("*")
        wanted = f"{only if '/' in only else f'*/{only}'}*.json"
        for path in sorted(files, key=lambda p: p.name, reverse=True):
            if fnmatch.fnmatch(f"{path.parent.name}/{path.name}", wanted):
                yield path


def storage_folder(storage: str, root: Path) -> Path:
    """Return the folder that `--benchmark-storage` names; a relative one is below `root`.

    Raises ConfigError where the storage is not a folder.
    """
    if "://" in storage and not storage.startswith("file://"):
        raise ConfigError(f"--benchmark-storage {storage}: only file:// is supported")
    return root / storage.removeprefix("file://")


def read_baselines(path: Path) -> list[Baseline]:
    """Return the results that one file holds.

    A result is left out if one of its runs has fewer than two pairs, and so no spread.
    Raises ConfigError where the file is damaged, or was not written by this suite.
    """
    try:
        raw = json.loads(path.read_text("utf-8"))
        extras = [b["extra_info"] for b in raw["benchmarks"]]
        recorded_at = str(raw.get("datetime", ""))
        commit = _commit(raw.get("commit_info"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, repr(error)) from None
    found = (_baseline(path, extra, recorded_at, commit) for extra in extras)
    return [baseline for baseline in found if baseline is not None]


def _names_without_pace(path: Path) -> Iterator[str]:
    """Yield the names of the results that an older suite wrote to a file."""
    for benchmark in json.loads(path.read_text("utf-8"))["benchmarks"]:
        entry = benchmark["extra_info"].get(EXTRA, {})
        name = entry.get("name")
        if entry.get("schema_version") == _WITHOUT_PACE and isinstance(name, str):
            yield name


def _commit(info: object) -> str:
    """Return the commit that pytest-benchmark wrote, or the empty string.

    It writes "unknown" where git did not answer.
    """
    if not isinstance(info, dict) or info.get("dirty"):
        return ""
    commit = str(info.get("id") or "")
    return "" if commit == _NO_COMMIT else commit


def _baseline(path: Path, extra: object, recorded_at: str, commit: str) -> Baseline | None:
    """Return one benchmark's result, or None where it cannot be compared with.

    Raises ConfigError as `read_baselines` does.
    """
    entry = extra.get(EXTRA) if isinstance(extra, dict) else None
    version = entry.get("schema_version") if isinstance(entry, dict) else None
    if isinstance(entry, dict) and version == _WITHOUT_PACE:
        return None
    if not isinstance(entry, dict) or version != SCHEMA_VERSION:
        raise ConfigError(
            f"baseline {path} has schema {version}, but this suite reads schema "
            f"{SCHEMA_VERSION}: record it again with --benchmark-save, or {_OTHER_FOLDER}"
        )
    if "pairs" not in entry:
        return None  # the benchmark of the harness has no reference
    try:
        stored = StoredResult.model_validate(entry)
        runs = stored.runs_of(recorded_at)
    except TooFewPairs:
        return None
    except ValidationError as error:
        raise _damaged(path, first_fault(error)) from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    return Baseline(
        path=path,
        name=stored.name,
        identity=stored.identity.model_copy(update={"cpu": stored.about.get(CPU, "")}),
        runs=runs,
        commit=commit,
        about=stored.about,
    )


def _damaged(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"baseline {path} is damaged ({why}): restore it, or {_OTHER_FOLDER}"
    )
