"""What ends a measurement early: enough pairs, or a job that failed or answered wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from perf.experiment.pairing import Decided
from perf.stats import Pair
from serving.errors import ServerError
from tests.perf.experiment.bench import (
    LAUNCH,
    REFERENCE_FIRST,
    REFERENCE_SECOND,
    Bench,
    FixedRandom,
)
from tests.support.fakes import IMAGE, PATIENCE_S, record

ROOT = Path(__file__).parents[3]

# A benchmark like those of the suite. Two launches are planned, and the first is enough.
_ENDED_EARLY = """
import contextlib
from perf.experiment.pairing import Decided
from tests.perf.experiment.bench import REFERENCE_FIRST, Bench, FixedRandom

def test_rounds(benchmark):
    rng = FixedRandom(REFERENCE_FIRST)
    bench = Bench(rng, launches_before=(0, 3), enough=lambda _: True)
    pairing = bench.pairing
    with contextlib.suppress(Decided):
        benchmark.pedantic(
            pairing.block, setup=pairing.setup, teardown=pairing.teardown, rounds=64
        )
    assert len(pairing.pairs) == 3
    assert benchmark.has_error is False
"""


def test_enough_is_asked_before_each_launch_but_the_first() -> None:
    """`enough` gets the pairs so far; when it returns True, neither arm is used again."""
    asked: list[int] = []

    def enough(pairs: Sequence[Pair]) -> bool:
        asked.append(len(pairs))
        return len(pairs) >= 4

    bench = Bench(FixedRandom(REFERENCE_FIRST), (0, 2, 4, 6), enough=enough)
    pairing = bench.run(4)
    assert asked == [2]
    before = list(bench.calls)
    with pytest.raises(Decided):
        pairing.setup()
    pairing.teardown()
    assert asked == [2, 4]
    assert bench.calls == before
    assert [pair.launch for pair in pairing.pairs] == [0, 0, 1, 1]


def test_pytest_benchmark_reports_the_rounds_of_an_early_end(tmp_path: Path) -> None:
    """When `setup` raises Decided, the benchmark passes and reports the rounds so far."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_early.py").write_text(_ENDED_EARLY, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("test_early.py", "--benchmark-json=result.json"),
        ],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    (benchmark,) = result["benchmarks"]
    assert benchmark["stats"]["rounds"] == 3
    assert len(benchmark["stats"]["data"]) == 3


def test_decided_is_not_an_exception() -> None:
    """`except Exception`, which pytest-benchmark uses, does not catch Decided."""
    assert not issubclass(Decided, Exception)


_REFERENCE = "serving-batch, reference"

# For each kind of bad job: its record, its counts in the message, and its own message.
BAD = {
    "failed": (record(0, error="died: killed"), "1 failed and 0 ", "died: killed"),
    "wrong": (record(0, answer=((1, 1.0),)), "0 failed and 1 ", "wrong answer: classes"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(
    ("arm", "block", "chance", "who", "total"),
    [
        ("scenario", 0, REFERENCE_FIRST, "serving-batch, warming up", 2),
        ("reference", 0, REFERENCE_FIRST, f"{_REFERENCE}, warming up", 2 + 2),
        ("scenario", 1, REFERENCE_FIRST, "serving-batch", 4 + 4 + 8),
        ("scenario", 2, REFERENCE_SECOND, "serving-batch", 4 + (8 + 4) + 8),
        ("reference", 1, REFERENCE_FIRST, _REFERENCE, 4 + 4),
        ("reference", 1, REFERENCE_SECOND, _REFERENCE, 4 + 8 + 4),
    ],
    ids=[
        *("warm-up", "reference's warm-up", "scenario", "second block"),
        *("reference first", "reference second"),
    ],
)
def test_bad_job_ends_the_measurement(  # noqa: PLR0913, PLR0917 -- a table of cases
    kind: str, arm: str, block: int, chance: float, who: str, total: int
) -> None:
    """One bad job, also in a warm-up, raises ServerError with who, counts and cause.

    Earlier pairs are kept. The pair with the bad job is not.
    """
    bench = Bench(FixedRandom(chance))
    bad, counts, words = BAD[kind]
    getattr(bench, arm).bad[block] = bad
    with pytest.raises(ServerError) as caught:
        bench.run(5)
    message = str(caught.value)
    assert message.startswith(f"{who}: of {total} jobs {counts}answered wrongly; ")
    assert f"the first: {IMAGE}: {words}" in message
    assert f"the log of the {arm}" in message
    assert len(bench.pairing.pairs) == (1 if block == 2 else 0)


@pytest.mark.parametrize(("arm", "calls"), [("scenario", 3), ("reference", 4)])
def test_bad_warm_up_measures_nothing(arm: str, calls: int) -> None:
    """After a bad job in the warm-up of either arm, nothing more is called."""
    bench = Bench(FixedRandom(REFERENCE_FIRST))
    getattr(bench, arm).bad[0] = record(0, error="died: killed")
    with pytest.raises(ServerError):
        bench.run(1)
    assert bench.calls == LAUNCH[:calls]
