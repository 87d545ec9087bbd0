"""Baselines: the only module that knows how `baselines/` is laid out.

The folder is pytest-benchmark's own storage, and pytest-benchmark writes it: files
PLATFORM/NNNN_NAME.json, the highest number the newest. What the gate needs lies in each
benchmark's `extra_info`; see `perf.judge.stored`.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from perf.judge.stored import EXTRA, SCHEMA_VERSION, Identity, Recorded, Run
from perf.stats import Sample, TooFewPairs
from serving.errors import ConfigError

_ELSEWHERE = "name another folder with --benchmark-storage"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored result: where it lies, what it holds for, its runs, and all else.

    `about` are facts that do not decide whether it applies, but may explain a change:
    versions, the image's digest, the kernel, the model of the CPU, the server's settings.
    The launches of one run are numbered on in the next.
    """

    path: Path
    name: str
    identity: Identity
    runs: tuple[Run, ...]
    about: Mapping[str, str]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The pairs of each run."""
        return tuple(run.sample for run in self.runs)

    @property
    def sample(self) -> Sample:
        """The pairs of all runs."""
        return Sample(pair for run in self.runs for pair in run.sample.pairs)

    def differences(self, about: Mapping[str, str]) -> list[str]:
        """Return one phrase for each fact that was another when this was recorded."""
        return [
            f"{key} {self.about[key]} -> {about[key]}"
            for key in sorted(self.about.keys() & about.keys())
            if self.about[key] != about[key]
        ]


class BaselineStore:
    """The baselines of one storage folder, newest first, read once."""

    def __init__(self, folder: Path, only: str | None = None) -> None:
        """Read every file, or with `only` those that pytest-benchmark would compare with.

        Raises ConfigError where a file is damaged or not of this suite's making.
        """
        self.folder = folder
        self._only = only
        self._baselines = [b for path in self._files() for b in read_baselines(path)]

    def find(self, name: str, identity: Identity) -> tuple[Baseline | None, str]:
        """Return the newest baseline that applies, or None and the reason in a line.

        The reason is what differs in the baseline that comes nearest.
        """
        among = f" among {self._only}" if self._only else ""
        reason, fewest = f"no baseline of {name}{among} in {self.folder}", math.inf
        for baseline in self._baselines:
            if baseline.name != name:
                continue
            differences = identity.differences(baseline.identity)
            if not differences:
                return baseline, ""
            if len(differences) < fewest:
                fewest = len(differences)
                reason = f"{baseline.path.name} does not apply: {'; '.join(differences)}"
        return None, reason

    def all(self) -> tuple[Baseline, ...]:
        """Return every baseline, newest first."""
        return tuple(self._baselines)

    def newest_file(self, wanted: Mapping[str, Identity]) -> Path | None:
        """Return the newest file with a baseline for any of the named scenarios."""
        for baseline in self._baselines:
            identity = wanted.get(baseline.name)
            if identity and not identity.differences(baseline.identity):
                return baseline.path
        return None

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


def read_baselines(path: Path) -> list[Baseline]:
    """Return what one file holds.

    Raises ConfigError where it is damaged or not of this suite's making.
    """
    try:
        raw = json.loads(path.read_text("utf-8"))
        benchmarks = [b["extra_info"] for b in raw["benchmarks"]]
        recorded_at = str(raw.get("datetime", ""))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"baseline {path} is damaged ({error!r}): restore it, or {_ELSEWHERE}"
        ) from None
    found = []
    for extra in benchmarks:
        entry = extra.get(EXTRA) if isinstance(extra, dict) else None
        version = entry.get("schema_version") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or version != SCHEMA_VERSION:
            raise ConfigError(
                f"baseline {path} is of schema {version}, this suite reads "
                f"{SCHEMA_VERSION}: record it anew with --benchmark-save, or {_ELSEWHERE}"
            )
        if "pairs" not in entry:
            continue  # the harness's own benchmark has no reference
        try:
            recorded = Recorded.model_validate(entry)
            found.append(
                Baseline(
                    path,
                    recorded.name,
                    recorded.identity,
                    recorded.runs_of(recorded_at),
                    recorded.about,
                )
            )
        except TooFewPairs:
            continue
        except (ValidationError, ValueError, KeyError) as error:
            first = str(error).splitlines()[0]
            raise ConfigError(
                f"baseline {path} is damaged ({first}): restore it, or {_ELSEWHERE}"
            ) from None
    return found
