"""Record a candidate for a new baseline, compare it with the old one, and keep it.

    python -m perf.commands.rebaseline [pytest's options]
    python -m perf.commands.rebaseline --write NAME
    python -m perf.commands.rebaseline --pool NAME

The first form records a candidate in reports/rebaseline/. It measures more launches than a
nightly run. A run with a failed request, an invalid measurement or a disturbed machine
leaves no candidate.

The second form moves the last candidate to the baselines, as a file with the next number.
Older files stay; one that is removed can be found in git.

The third form does the same, but adds the runs of the baseline that applies to the
candidate's own. A baseline of several runs, best from different days, has a smaller error.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from perf.judge.baselines import Baseline, BaselineStore
from perf.judge.pooling import pooled
from perf.report import formatting
from perf.stats import NotMeasuredError, estimate_change, estimate_ratio
from serving.errors import ConfigError
from serving.running import run_to_end

LAUNCHES = 10
PAIRS_PER_LAUNCH = 2
_TAIL = 0.025
WRITE, POOL = "--write", "--pool"
_ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main(
    arguments: Sequence[str],
    baselines: Path = _ROOT / "baselines",
    candidates: Path = _ROOT / "reports" / "rebaseline",
) -> int:
    """Do what the arguments say, and return the exit code."""
    try:
        if arguments and arguments[0] in (WRITE, POOL):
            keep(arguments[0], arguments[1:], baselines, candidates)
            return 0
        return _record(arguments, baselines, candidates)
    except ConfigError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 4


def _record(arguments: Sequence[str], baselines: Path, candidates: Path) -> int:
    if any(one.partition("=")[0] in (WRITE, POOL) for one in arguments):
        # Else the candidate would be removed, to record another one.
        raise ConfigError(f"write {WRITE} NAME or {POOL} NAME first, and nothing else")
    shutil.rmtree(candidates, ignore_errors=True)
    amounts = ["--perf-launches", str(LAUNCHES)]
    amounts += ["--perf-pairs", str(LAUNCHES * PAIRS_PER_LAUNCH)]
    code = run_to_end(
        [
            *(sys.executable, "-m", "pytest", "perf", *amounts),
            *(f"--benchmark-storage=file://{candidates}", "--benchmark-save=candidate"),
            *arguments,
        ],
        _ROOT,
    )
    if not _newest(candidates):
        sys.stderr.write("rebaseline: the run left no candidate; see its output above\n")
        return code or 1
    sys.stdout.write(f"\n{compared(baselines, candidates)}\n\n")
    sys.stdout.write(
        "to keep it: tox -e rebaseline -- --write NAME; "
        "to add it to the old baseline's runs: tox -e rebaseline -- --pool NAME\n"
    )
    return 0


def keep(how: str, arguments: Sequence[str], baselines: Path, candidates: Path) -> Path:
    """Move the candidate to the baselines, and return its file.

    `how` is WRITE or POOL; `arguments` has the name. Raises ConfigError.
    """
    if len(arguments) != 1 or not _NAME.fullmatch(arguments[0]):
        raise ConfigError(
            f"{how} takes one name of letters, digits, '.', '_' and '-', which begins "
            "with a letter or digit"
        )
    candidate = _newest(candidates)
    if candidate is None:
        raise ConfigError(f"{how}: there is no candidate; `tox -e rebaseline` records one")
    sys.stdout.write(f"{compared(baselines, candidates)}\n\n")
    text = candidate.read_text("utf-8")
    if how == POOL:
        text = pooled(candidate, BaselineStore(baselines))
    folder = baselines / candidate.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [int(p.name[:4]) for p in folder.glob("[0-9][0-9][0-9][0-9]_*.json")]
    target = folder / f"{max(numbers, default=0) + 1:04}_{arguments[0]}.json"
    target.write_text(text, encoding="utf-8")
    candidate.unlink()
    sys.stdout.write(f"written: {target}\n")
    return target


def compared(baselines: Path, candidates: Path) -> str:
    """Return a table of the old baselines and the new ratios, and what changed.

    Raises ConfigError where a file cannot be read.
    """
    old = BaselineStore(baselines)
    rows = []
    for new in BaselineStore(candidates).all():
        before, reason = old.find(new.name, new.identity)
        if before and new.identity.is_of_another_cpu(before.identity):
            reason = f"{before.path.name} is of another CPU, {before.identity.cpu}"
        file = before.path.name if before else formatting.UNKNOWN
        rows.append([new.name, file, *_row(before, new), reason])
    heads = ["scenario", "old baseline", "old ratio", "new ratio"]
    heads += ["change of throughput", "remark"]
    return tabulate(rows, headers=heads, disable_numparse=True)


def _row(old: Baseline | None, new: Baseline) -> list[str]:
    """Return old ratio, new ratio and change of throughput, with 95 % intervals."""
    now = formatting.interval(estimate_ratio(new.sample))
    if old is None:
        return [formatting.UNKNOWN, now, formatting.UNKNOWN]
    try:
        change = estimate_change(new.sample, *old.samples).interval(_TAIL)
    except NotMeasuredError:
        return [formatting.interval(estimate_ratio(old.sample)), now, formatting.UNKNOWN]
    moved = (
        f"{formatting.change(change.point)} "
        f"[{formatting.change(change.low)}, {formatting.change(change.high)}]"
    )
    return [formatting.interval(estimate_ratio(old.sample)), now, moved]


def _newest(folder: Path) -> Path | None:
    return max(folder.glob("*/*.json"), default=None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
