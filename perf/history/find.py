"""How to find the commit that changed a level: the commits in question, and the command."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perf.config.table import Table
from perf.history.entry import Entry
from perf.stats import Estimate
from perf.stats.change_points import SMALLEST

_ROOT = Path(__file__).parents[2]
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_COUNTED = ["--perf-launches", "--perf-pairs"]
_BUDGET = ["--perf-budget", "6"]  # minutes
_DEVICE, _PROFILE = "cpu", "standard"  # what a run has without options


@dataclass(frozen=True, slots=True)
class Find:
    """A change, and what is known around it."""

    runs: Sequence[Entry]
    """The runs among which it lies: the first is before it, and the last after it.

    Its place can be wrong by a run or two, so the runs beside it may be on the wrong side.
    """

    change: Estimate

    commits: Sequence[str] | None
    """The commits between the first run and the last; None where git knows not both."""

    @property
    def good(self) -> Entry:
        """A run before the change."""
        return self.runs[0]

    @property
    def bad(self) -> Entry:
        """A run after the change."""
        return self.runs[-1]


def commits_between(good: str, bad: str, root: Path = _ROOT) -> list[str] | None:
    """Return a line for each commit after `good` up to `bad`, the newest first.

    None where git does not know both commits, or `bad` does not follow `good`.
    """
    if not (_COMMIT.fullmatch(good) and _COMMIT.fullmatch(bad)):
        return None  # it is from a file: git must not read it as an option
    if _git(root, "merge-base", "--is-ancestor", good, bad) is None:
        return None
    found = _git(root, "log", "--encoding=UTF-8", "--format=%h %s", f"{good}..{bad}", "--")
    return None if found is None else found.splitlines()


def command_of(find: Find) -> tuple[str, str]:
    """Return the shell line that finds the commit, or why there is none."""
    if why := _why_not(find):
        return "", why
    good, bad = find.good, find.bad
    start = shlex.join(["git", "bisect", "start", bad.commit, good.commit])
    # Not by tox: where it cannot install its packages, its exit code calls the commit bad.
    run = ["git", "bisect", "run", "python3", "-m", "perf.commands.bisect"]
    run += [bad.scenario, good.commit, *_options(bad)]
    return f"{start} && {shlex.join(run)}", ""


def _why_not(find: Find) -> str:
    """Return why no command finds the commit, or the empty string."""
    good, bad = find.good, find.bad
    if not (good.commit and bad.commit):
        return "The commits of these runs are not known."
    if good.commit == bad.commit:
        return _same_commit(find.runs)
    if good.changed or bad.changed:
        return "One of these runs had uncommitted changes, which no commit has."
    if find.commits is None:
        return "Git does not know these commits here, or one does not follow the other."
    return _why_untold(find)


def _why_untold(find: Find) -> str:
    """Return why a comparison side by side would not tell the change, or nothing."""
    if find.change.point > 1.0:
        return "Only losses can be searched: a bisection ends at the first slower commit."
    least = _smallest_seen(find.bad.scenario)
    if 1.0 - find.change.point < least:
        return (
            f"The loss is smaller than {100.0 * least:g} %, the against_tolerance of this "
            "scenario: a bisection would call every commit good."
        )
    return ""


def _smallest_seen(scenario: str) -> float:
    """Return the smallest loss that is told side by side, as a share."""
    rows = {row.name: row.against_tolerance for row in Table.read().scenario}
    return rows.get(scenario, SMALLEST)


def _same_commit(runs: Sequence[Entry]) -> str:
    good, bad = runs[0], runs[-1]
    if any(run.commit != good.commit for run in runs):
        return (
            "The first and the last of these runs have the same commit, and others between "
            "them have not: git has nothing to search."
        )
    if any(run.changed for run in runs):
        return "All these runs have one commit, with uncommitted changes: these may be it."
    differ = [
        f"{key} {good.about.get(key, 'none')} -> {bad.about.get(key, 'none')}"
        for key in sorted(good.about.keys() | bad.about.keys())
        if good.about.get(key) != bad.about.get(key)
    ]
    cause = f"different: {', '.join(differ)}" if differ else "the machine changed"
    return f"All these runs have one commit, so it is not the code; {cause}."


def _options(entry: Entry) -> list[str]:
    """Return the options that make a run measure what the history holds.

    How much it measured is left out: a comparison takes as many launches as it needs. Only
    the size of a block counts, which `--perf-total` and `--perf-pairs` make.
    """
    options = ["--perf-runtime", entry.runtime]
    if entry.device != _DEVICE:
        options += ["--perf-device", entry.device]
    if entry.profile != _PROFILE:
        options += ["--perf-profile", entry.profile]
    given = dict(zip(entry.options[::2], entry.options[1::2], strict=False))
    is_sized = "--perf-total" in given
    left_out = _COUNTED[:1] if is_sized else _COUNTED
    kept = [word for pair in given.items() if pair[0] not in left_out for word in pair]
    return [*options, *kept, *(_BUDGET if is_sized else ())]


def _git(root: Path, *arguments: str) -> str | None:
    """Return what git writes, or None where it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 -- the git that the user has
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a subject may have any bytes
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
