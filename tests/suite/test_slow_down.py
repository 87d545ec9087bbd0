"""A server that is really slower is a regression, and its way back an improvement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.judge.stored import EXTRA
from tests.suite.test_saving import SERVED, launches, served
from tests.support.suite import Run, Suite, fresh_suite, tiny_model

# Added to each batch; a block has four. The tiny model takes some milliseconds, so without
# a delay other programs would decide how long a block takes.
NORMAL_S = 0.3
SLOWER_S = 1.5
OLD_PILLOW = "0.9.9"


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    """A folder for runs; at the end nothing of them may be left."""
    with fresh_suite() as made:
        yield made


@pytest.fixture(scope="module")
def normal(suite: Suite) -> Path:
    """The file of a run with a server, altered to name another version of Pillow."""
    run = suite.run(*served("--benchmark-save=normal"), env=suite.slow_server(NORMAL_S))
    assert run.code == pytest.ExitCode.OK, run.output
    (path,) = suite.baselines.glob("*/*_normal.json")
    result = json.loads(path.read_text("utf-8"))
    (benchmark,) = result["benchmarks"]
    benchmark["extra_info"][EXTRA]["about"]["pillow"] = OLD_PILLOW
    path.write_text(json.dumps(result), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def slowed(suite: Suite, normal: Path) -> Run:
    """The same run with a slower server, compared with that baseline, and saved too."""
    assert normal.exists()
    return suite.run(*served("--benchmark-save=slow"), env=suite.slow_server(SLOWER_S))


def test_a_real_slow_down_is_a_regression(normal: Path, slowed: Run) -> None:
    """The message has the change, the baseline, what differs and how to repeat it.

    What differs is the one fact that was altered; facts of another launch are no change.
    """
    assert slowed.code == pytest.ExitCode.TESTS_FAILED, slowed.output
    row = slowed.row(SERVED)
    assert row["verdict"] == "regressed"
    assert row["requests"]["failed"] == row["requests"]["wrong"] == 0
    assert row["baseline_file"] == str(normal)
    assert [pair["launch"] for pair in row["pairs"]] == [0, 1, 2]
    assert row["change"]["high"] < 1
    since = f"pillow {OLD_PILLOW} -> {slowed.result['versions']['pillow']}"
    assert row["differences"] == [since]
    (message,) = slowed.lines(f"{SERVED} regressed: {row['reason']}. ")
    change = f" changed by {100 * (row['change']['estimate'] - 1):.1f} % [-"
    tolerance = f"(tolerance {100 * row['tolerance']:g} %)"
    assert f" since baseline {normal.name} {tolerance}" in message
    assert message.count(change) == 1
    assert f" Since then: {since}. " in message
    seed = slowed.result["seed"]
    assert message.endswith(
        f"To repeat it alone: tox -e {SERVED} -- --perf-seed {seed} --perf-runtime process "
        f"--perf-profile smoke --perf-model {tiny_model()} "
        "--perf-total 96 --perf-pairs 3 --perf-launches 3"
    )
    verdict, _ = slowed.lines(f"{SERVED}  ")
    assert change.removeprefix(" changed by") in verdict
    assert verdict.endswith("  regressed")
    assert "Traceback" not in slowed.output


def test_the_way_back_is_an_improvement(suite: Suite, slowed: Run) -> None:
    """Compared with the slow result, which is now the newest, the first server is better.

    The verdict is certain before all four planned launches were measured.
    """
    assert slowed.row(SERVED)["verdict"] == "regressed"
    # The delay is set from outside, so both trees of a run side by side would have it.
    options = ("--perf-require-baseline", "--perf-confirm=never", "--benchmark-compare")
    run = suite.run(*served(*launches(4), *options), env=suite.slow_server(NORMAL_S))
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(SERVED)
    assert row["verdict"] == "improved"
    assert Path(row["baseline_file"]).name.endswith("_slow.json")
    assert row["change"]["low"] > 1
    assert 2 <= len(row["pairs"]) < 4
