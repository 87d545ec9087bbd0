"""Real runs with requests at scheduled times, and sweeps: what is refused, and why."""

from __future__ import annotations

import json

import pytest

from tests.suite.test_failed_runs import assert_failed_once
from tests.support.suite import STRICT, Suite, tiny_model

SLOW_S = 0.3
"""How much longer than at once a slow server takes for a batch."""


def served(*more: str) -> tuple[str, ...]:
    """Return the arguments of a small run at scheduled times."""
    return (
        *("--perf-model", tiny_model(), "--perf-scenario", "serving-batch"),
        *("-k", "throughput", "--perf-arrivals", "poisson", "--perf-pairs", "1", *more),
    )


def swept(suite: Suite, *more: str) -> tuple[str, ...]:
    """Return the arguments of a sweep, whose reports lie in a folder that is there."""
    suite.reports.mkdir(exist_ok=True)
    return ("--perf-model", tiny_model(), "--perf-sweep", "torchserve", *more)


def test_a_fixed_rate_is_offered_and_reported(suite: Suite) -> None:
    """Goodput is what is judged, and the three times stand in the summary."""
    run = suite.run(
        *served("--perf-rate", "20", "--perf-slo", "2000", "--perf-total", "64")
    )
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row("serving-batch")
    assert [pair["scenario"]["figure"] for pair in row["pairs"]] == ["goodput"]
    offered = row["offered"]
    assert (offered["rate_rps"], offered["slo_ms"]) == (20.0, 2000.0)
    assert 0.0 < offered["goodput_rps"] <= 20.0
    for name in ("response_ms", "service_ms", "lateness_ms"):
        assert offered[name]["p50"] <= offered[name]["p99"]
    assert offered["service_ms"]["p99"] <= offered["response_ms"]["p99"]
    assert "attain-" in run.output


@pytest.mark.parametrize("arrivals", ["closed", "poisson"])
def test_the_harness_measures_the_client_that_is_used(suite: Suite, arrivals: str) -> None:
    """What the standing client can do is measured where a scenario needs it."""
    more = ("--perf-arrivals=poisson", "--perf-rate=5") if arrivals == "poisson" else ()
    run = suite.run("--perf-model", tiny_model(), "-k", "harness", *more)
    assert run.code == pytest.ExitCode.OK, run.output
    assert run.result["planned"] == []  # "-k" leaves all scenarios out
    harness = run.result["harness"]
    said = "at scheduled times, at most" in run.output
    assert said == (arrivals == "poisson")
    if said:
        assert harness["open_rps"] > harness["ceiling_rps"]
    else:
        assert harness["open_rps"] is None


def test_an_slo_below_an_idle_request_is_refused(suite: Suite) -> None:
    """The message names the option and what the quickest request took.

    It is told as the failure, and under the table.
    """
    env = suite.slow_server(SLOW_S)
    run = suite.run(*served("--perf-slo", "50"), env=env)
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    assert "Traceback" not in run.output
    said = run.lines("serving-batch: the SLO of 99 % within 50 ms cannot be met")
    line, under_the_table = said
    assert "--perf-slo" in line
    assert under_the_table == line
    took_ms = float(line.partition("took ")[2].partition(" ms")[0])
    assert took_ms >= 1e3 * SLOW_S


def test_a_rate_above_the_clients_own_is_refused(suite: Suite) -> None:
    """Before anything is measured; the message names the option and the limit."""
    run = suite.run(*served("--perf-rate", "90000"), env=STRICT)
    assert_failed_once(
        run,
        "serving-batch, 90000 requests a second: the harness is too slow: ",
        "--perf-rate",
    )
    assert run.result["scenarios"] == []


def test_a_sweep_of_which_nothing_can_be_measured_is_refused(suite: Suite) -> None:
    """The message has the first point and its reason."""
    run = suite.run(*swept(suite, "--perf-device=cuda"))
    assert_failed_once(run, "--perf-sweep torchserve: ", "none of its 12 points")
    assert "--perf-device cuda" in run.output


def test_a_sweep_that_was_begun_with_another_table_is_refused(suite: Suite) -> None:
    """The message names the file; the file is kept."""
    arguments = swept(suite)
    journal = suite.reports / "sweep-torchserve.jsonl"
    text = json.dumps({"identity": {"sweep": "of another table"}}) + "\n"
    journal.write_text(text, encoding="utf-8")
    run = suite.run(*arguments)
    assert_failed_once(run, f"--perf-sweep: {journal} was begun with other settings: ")
    assert journal.read_text("utf-8") == text
