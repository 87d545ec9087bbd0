"""The results of a run, as they come in."""

from __future__ import annotations

from perf.report.run import RunResults
from tests.support.results import BATCH, HARNESS, HEADER, LOCAL


def test_each_result_is_told_as_it_comes() -> None:
    """After each result the listener sees all so far."""
    seen: list[tuple[list[str], bool]] = []

    def listen(run: RunResults) -> None:
        names = [result.name for result in run.scenarios]
        seen.append((names, run.harness is not None))

    run = RunResults(HEADER, on_change=listen)
    run.set_harness(HARNESS)
    run.add(LOCAL)
    run.add(BATCH)
    assert seen == [
        ([], True),
        (["decentralized"], True),
        (["decentralized", "serving-batch"], True),
    ]
