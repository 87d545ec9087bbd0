"""Which runs become a baseline, which do not, and that later runs are compared with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.history.store import History
from perf.judge.stored import EXTRA
from tests.support.suite import Run, Suite, fresh_suite, tiny_model

LOCAL = "decentralized"
SERVED = "serving-batch"
PASSES = ("unchanged", "improved")


def local(*more: str) -> tuple[str, ...]:
    """Return the arguments of a run of two pairs without a server."""
    size = ("--perf-pairs", "2", "--perf-launches", "2")
    return ("--perf-model", tiny_model(), *alone(LOCAL), *size, *more)


def served(*more: str) -> tuple[str, ...]:
    """Return the arguments of a run with a server: three launches of one pair each."""
    return ("--perf-model", tiny_model(), *alone(SERVED), *launches(3), *more)


def launches(number: int) -> tuple[str, ...]:
    """Return the arguments for `number` launches, each with one block of 32 images."""
    total = str(32 * number)
    amounts = ("--perf-launches", str(number), "--perf-pairs", str(number))
    return (*amounts, "--perf-total", total)


def alone(scenario: str) -> tuple[str, ...]:
    """Return the arguments that choose one scenario, without the test of the harness."""
    return ("--perf-scenario", scenario, "-k", "throughput")


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    """A folder for runs; at the end nothing of them may be left."""
    with fresh_suite() as made:
        yield made


@pytest.fixture(scope="module")
def first(suite: Suite) -> Run:
    """A run that is saved; before it there was no baseline."""
    return suite.run(*local("--benchmark-save=first"))


@pytest.fixture(scope="module")
def stored(suite: Suite, first: Run) -> Path:
    """The file of the first run."""
    assert first.code == pytest.ExitCode.OK, first.output
    (path,) = suite.baselines.glob("*/*_first.json")
    return path


def test_a_missing_baseline_is_reported_and_no_failure(first: Run, stored: Path) -> None:
    """Without --perf-require-baseline the first run passes; its file has the number 1."""
    row = first.row(LOCAL)
    assert row["verdict"] == "no baseline"
    assert row["baseline_file"] is None
    assert stored.name == "0001_first.json"


def test_the_next_run_is_compared_with_the_saved_one(suite: Suite, stored: Path) -> None:
    """Its verdict decides the exit code. It names the file, and saves nothing itself."""
    run = suite.run(*local("--perf-require-baseline"))
    row = run.row(LOCAL)
    assert row["baseline_file"] == str(stored)
    assert row["verdict"] in (*PASSES, "inconclusive", "regressed")
    assert row["change"]["low"] < row["change"]["estimate"] < row["change"]["high"]
    assert 0 < row["smallest_seen"] <= 1
    assert row["differences"] == []
    assert (run.code == pytest.ExitCode.OK) == (row["verdict"] in PASSES), run.output
    assert list(suite.baselines.glob("*/*.json")) == [stored]


@pytest.mark.usefixtures("stored")
def test_too_little_evidence_is_no_pass_where_a_baseline_is_required(suite: Suite) -> None:
    """One pair is never enough for a verdict."""
    one = ("--perf-pairs=1", "--perf-launches=1")
    run = suite.run(*local(*one, "--perf-require-baseline"))
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    assert run.row(LOCAL)["verdict"] == "inconclusive"
    (message,) = run.lines(f"{LOCAL} is inconclusive. ")
    assert "A verdict needs at least 2 pairs, not 1." in message


def test_a_baseline_of_another_machine_class_does_not_apply(
    suite: Suite, stored: Path
) -> None:
    """The verdict is `no baseline`, with what differs; the run fails if one is required."""
    with fresh_suite() as other:
        shutil.copytree(suite.baselines, other.baselines)
        path = other.baselines / stored.relative_to(suite.baselines)
        result = json.loads(path.read_text("utf-8"))
        (benchmark,) = result["benchmarks"]
        benchmark["extra_info"][EXTRA]["identity"]["machine_class"] = "sparc-1cpu"
        path.write_text(json.dumps(result), encoding="utf-8")
        run = other.run(*local("--perf-require-baseline", "--benchmark-compare"))
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    row = run.row(LOCAL)
    assert row["verdict"] == "no baseline"
    here = run.result["machine_class"]
    differs = f"machine_class is {here}, in the baseline sparc-1cpu"
    reason = f"{path.name} does not apply: {differs}"
    assert row["reason"] == reason
    (message,) = run.lines(f"{LOCAL} has no baseline that applies: ")
    assert reason in message


def test_a_run_with_failed_jobs_fails_and_saves_nothing() -> None:
    """The verdict is `invalid`, with the counts, the first error and the server's log."""
    with fresh_suite() as suite:
        run = suite.run(
            *served("--perf-job-timeout", "1", "--benchmark-save=bad"),
            env=suite.slow_server(30),
        )
        assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
        row = run.row(SERVED)
        assert row["verdict"] == "invalid"
        assert row["requests"] == {"total": 16, "failed": 16, "wrong": 0, "missed": 0}
        assert row["pairs"] == []
        (message,) = run.lines(f"{SERVED}, warming up: of 16 jobs 16 failed and 0 ")
        late = "kitten.jpg: late: no answer within 1 s (--perf-job-timeout)"
        assert message.endswith(late)
        assert "--- the end of the server's log ---" in run.output
        (refusal,) = run.lines("--benchmark-save: nothing was saved: ")
        assert refusal.endswith(f"nothing was saved: {SERVED} is invalid: {row['reason']}")
        assert list(suite.baselines.glob("*/*.json")) == []
        for noise in ("Traceback", "During handling", "Saved benchmark data"):
            assert noise not in run.output


def test_a_run_that_measured_nothing_saves_nothing(suite: Suite) -> None:
    """With no scenario to save, --benchmark-save changes no baseline and says so."""
    before = sorted(suite.baselines.rglob("*"))
    run = suite.run("-k", "nothing", "--benchmark-save=none")
    assert run.code == pytest.ExitCode.NO_TESTS_COLLECTED, run.output
    (refusal,) = run.lines("--benchmark-save: nothing was saved: ")
    assert "the run ended early" in refusal
    assert sorted(suite.baselines.rglob("*")) == before


def test_a_total_applies_to_both_arms(suite: Suite) -> None:
    """Eight images in two pairs are blocks of four images in each arm.

    Before, each of the two launches runs one warm-up job for each core in both arms. A
    pair that was disturbed is measured once more, and its jobs count too.
    """
    run = suite.run(*local("--perf-total", "8", "--perf-require-baseline"))
    row = run.row(LOCAL)
    measured = 2 + len(row["replaced"])
    assert row["requests"]["total"] == 2 * 2 * row["jobs"] + measured * (4 + 4)
    assert row["verdict"] == "no baseline"


def test_results_join_the_history(suite: Suite, first: Run) -> None:
    """Each run adds a line, and `-v` alone shows the progress of a run without terminal."""
    history = suite.folder / "history"
    runs = [suite.run(*local(f"--perf-history={history}", *more)) for more in ((), ("-v",))]
    for run in runs:
        assert f"history: 1 result added to {history}" in run.output, run.output
    entries = History(history).read()
    assert [one.scenario for one in entries] == [LOCAL, LOCAL]
    assert [one.throughput_rps for one in entries] == [
        pytest.approx(run.row(LOCAL)["throughput_rps"], rel=1e-5) for run in runs
    ]
    assert all(one.level for one in entries)
    line, *_ = [x for x in runs[1].output.splitlines() if "launch 1 of 2, pair 1" in x]
    assert line.startswith(f"{LOCAL}: ")
    assert line.endswith(" left")
    for run in (first, runs[0]):
        assert ", pair 1" not in run.output
