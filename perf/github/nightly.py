"""The regressions of the nightly runs that are open: what began, and what recovered."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perf.github.summary import ReadOutcome, Summary
from perf.stats import Verdict

_MARKER = re.compile(r"<!-- serving-perf: regressions (\{.*\})(?: run ([0-9]{1,19}))? -->")
_KEY = re.compile(r"[a-z0-9-]{1,64}/[a-z0-9-]{1,64}")
_TEXT = re.compile(r"[0-9A-Za-z-]{0,64}")
_GOOD = {Verdict.UNCHANGED, Verdict.IMPROVED}
_BADNESS = {
    Verdict.REGRESSED: 3,
    Verdict.INVALID: 2,
    Verdict.INCONCLUSIVE: 2,
    Verdict.UNCHANGED: 1,
    Verdict.IMPROVED: 1,
    Verdict.NO_BASELINE: 0,
}


@dataclass(frozen=True, slots=True)
class Since:
    """When a regression was seen first."""

    date: str
    """Empty where it is unknown."""

    commit: str
    """Empty where it is unknown."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run says of a scenario."""

    outcome: ReadOutcome
    summary: Summary

    @property
    def since(self) -> Since:
        """The time and the commit of the run."""
        commit, *_ = self.summary.header.commit.split() or [""]
        return Since(self.summary.header.started[:10], commit)


Regressions = Mapping[str, Since]
"""The open regressions by RUNTIME/SCENARIO."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the text of an issue keeps from one night to the next."""

    regressions: Regressions

    run_id: int
    """Which run wrote it; 0 where this is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the runs of one night say, together with what was open before."""

    current: Regressions
    """What is open now."""

    begun: Sequence[str]
    """What was not open before."""

    recovered: Sequence[str]
    """What is no longer open."""

    measured: Mapping[str, Measured]
    """What was measured; where a scenario was measured twice, the worse result."""


def night(before: Regressions, summaries: Iterable[Summary]) -> Night:
    """Return what the runs of a night make of what was open before.

    A scenario recovers only where it was measured and found unchanged or improved.
    """
    found: dict[str, list[Measured]] = defaultdict(list)
    for summary in summaries:
        for outcome in summary.outcomes:
            key = f"{summary.header.runtime}/{outcome.name}"
            found[key].append(Measured(outcome, summary))
    measured = {key: max(several, key=_badness) for key, several in found.items()}
    red = {key for key, one in measured.items() if _verdict(one) is Verdict.REGRESSED}
    good = {key for key, one in measured.items() if _verdict(one) in _GOOD}
    begun = sorted(red - before.keys())
    kept = {key: since for key, since in before.items() if key not in good}
    return Night(
        current=kept | {key: measured[key].since for key in begun},
        begun=begun,
        recovered=sorted(good & before.keys()),
        measured=measured,
    )


def written(regressions: Regressions, run_id: int) -> str:
    """Return the hidden line that keeps what is open, and which run found that."""
    kept = {key: [since.date, since.commit] for key, since in regressions.items()}
    told = json.dumps(kept, sort_keys=True)
    return f"<!-- serving-perf: regressions {told} run {run_id} -->"


def read(text: str) -> Kept | None:
    """Return what such a line keeps, or None where the text has none that is whole."""
    found = _MARKER.search(text)
    if found is None:
        return None
    try:
        kept = json.loads(found[1])
        regressions = {key: _since(key, *value) for key, value in kept.items()}
    except (ValueError, TypeError, RecursionError):
        return None
    return Kept(regressions, int(found[2] or 0))


def _since(key: str, date: str, commit: str) -> Since:
    """Return what was kept; raises ValueError or TypeError where it is of another form."""
    if _KEY.fullmatch(key) and _TEXT.fullmatch(date) and _TEXT.fullmatch(commit):
        return Since(date, commit)
    raise ValueError(key)


def _verdict(measured: Measured) -> Verdict:
    return measured.outcome.judgement.verdict


def _badness(measured: Measured) -> int:
    """Rank what counts where a scenario was measured twice: red, then open, then good.

    A family that has no baseline says nothing.
    """
    return _BADNESS[_verdict(measured)]
