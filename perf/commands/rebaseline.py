"""Record a candidate for a new baseline, compare it with the old one, and keep it.

    python -m perf.commands.rebaseline [pytest's options]
    python -m perf.commands.rebaseline --write NAME
    python -m perf.commands.rebaseline --pool NAME

The first form records a candidate in reports/rebaseline/. It measures more launches than a
nightly run. A run that was ended early, with a failed request, an invalid measurement or a
disturbed machine leaves no candidate; the last one then stays.

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
from perf.stats import NotMeasuredError, estimate_change, estimate_ratio, quantities_of
from serving.errors import ConfigError
from serving.running import run_to_end

LAUNCHES = 10
PAIRS_PER_LAUNCH = 2
_TAIL = 0.025
_ENDED = (0, 1)  # pytest's exit codes of a run that came to its end
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
    recorded = candidates.with_name(f"{candidates.name}-new")
    shutil.rmtree(recorded, ignore_errors=True)
    try:
        code = run_to_end(_command(recorded, arguments), _ROOT)
        if code not in _ENDED or not _newest(recorded):
            last = "; the last candidate stays" if _newest(candidates) else ""
            shutil.rmtree(recorded, ignore_errors=True)
            sys.stderr.write(
                f"rebaseline: the run left no candidate{last}; see its output above\n"
            )
            return code or 1
    except BaseException:
        shutil.rmtree(recorded, ignore_errors=True)
        raise
    try:
        if candidates.exists():
            shutil.rmtree(candidates)
        recorded.rename(candidates)
    except OSError as error:
        raise ConfigError(
            f"{candidates}: cannot be replaced ({error.strerror or error}); the new "
            f"candidate is in {recorded}: move it there"
        ) from None
    sys.stdout.write(f"\n{compared(baselines, candidates)}\n\n")
    sys.stdout.write(
        "to keep it: tox -e rebaseline -- --write NAME; "
        "to add it to the old baseline's runs: tox -e rebaseline -- --pool NAME\n"
    )
    return 0


def _command(folder: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that records a candidate in `folder`."""
    return [
        *(sys.executable, "-m", "pytest", "perf"),
        *("--perf-launches", str(LAUNCHES)),
        *("--perf-pairs", str(LAUNCHES * PAIRS_PER_LAUNCH)),
        *(f"--benchmark-storage=file://{folder}", "--benchmark-save=candidate"),
        *arguments,
    ]


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
    # Files of other platforms count too: of all that apply, the highest number judges.
    numbers = [int(p.name[:4]) for p in baselines.glob("*/[0-9][0-9][0-9][0-9]_*.json")]
    target = folder / f"{max(numbers, default=0) + 1:04}_{arguments[0]}.json"
    _write(target, text)
    candidate.unlink()
    sys.stdout.write(f"written: {target}\n")
    return target


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all. Raises ConfigError."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


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
    heads += ["change", "remark"]
    return tabulate(rows, headers=heads, disable_numparse=True)


def _row(old: Baseline | None, new: Baseline) -> list[str]:
    """Return old ratio, new ratio and what is judged first: its change, with intervals.

    They are 95 % intervals.
    """
    now = formatting.interval(estimate_ratio(new.sample))
    if old is None:
        return [formatting.UNKNOWN, now, formatting.UNKNOWN]
    try:
        quantity, *_ = quantities_of(new.sample.pairs)
        change = estimate_change(new.sample, *old.samples, quantity=quantity)
    except NotMeasuredError:
        return [formatting.interval(estimate_ratio(old.sample)), now, formatting.UNKNOWN]
    moved = formatting.change_interval(change.interval(_TAIL))
    return [formatting.interval(estimate_ratio(old.sample)), now, moved]


def _newest(folder: Path) -> Path | None:
    return max(folder.glob("*/*.json"), default=None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
