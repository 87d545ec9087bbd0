"""The part of the page on live runs. This module is pure."""

from __future__ import annotations

from collections.abc import Sequence

from perf.trust.outcomes import LiveRow
from perf.trust.tables import blocks, pipe

RECORDINGS = "## Recordings"
"""The heading of the part that follows."""

_LIVE = "## Live runs"


def with_live(text: str, rows: Sequence[LiveRow]) -> str:
    """Return the page `text` with another part on live runs.

    Raises ValueError if it is not such a page.
    """
    before, heading, after = text.partition(RECORDINGS)
    if not heading:
        raise ValueError(f"the page has no part {RECORDINGS!r}")
    others = before.partition(_LIVE)[0].rstrip()
    return "\n\n".join([others, *live_part(rows), heading + after])


def live_part(rows: Sequence[LiveRow]) -> list[str]:
    """Return the part on live runs; empty where there are none."""
    if not rows:
        return []
    verdicts = sorted({verdict for row in rows for verdict in row.verdicts})
    cells = [
        [
            row.cpu,
            row.figure,
            row.compared.value,
            blocks(row.turn_s),
            f"{row.loss:.0%}",
            row.scenario or "all",
            *(row.verdicts.get(verdict, 0) for verdict in verdicts),
            str(row.regressed),
            f"{row.change:+.1%}",
        ]
        for row in rows
    ]
    heads = [
        "CPU",
        "figure",
        "compared",
        "blocks",
        "intended loss",
        "scenario",
        *(verdict.value for verdict in verdicts),
    ]
    return [
        _LIVE,
        (
            "Whole runs, each judged as a user's run is. Where a loss is intended, the "
            "handler really took longer for each batch, by that share of the time of the "
            "model. Reading requests and images takes as long as before, so throughput "
            "falls by a little less. A run is compared side by side, or with a stored "
            "baseline, as `tox -e perf` does; what that leaves open is then settled with "
            "the baseline's commit. The mean change is that of throughput, or of what "
            "takes its place."
        ),
        pipe([*heads, "called regressed", "mean change"], cells),
    ]
