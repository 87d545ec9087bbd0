"""A real run of a small ResNet: what it prints, writes and measures."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from perf.judge.stored import SCHEMA_VERSION
from perf.machine.facts import read_machine
from perf.report.schema import schema
from serving.device import find_card
from tests.support.sabotage import BUSY
from tests.support.suite import STRICT, Run, Suite, fresh_suite, tiny_model

NAME = "serving-batch"
PAIRS = 2
BLOCK = 16
REFERENCE_BLOCK = 16
WARM_UP = 16
# The reference runs one job for each core, after each launch.
REFERENCE_WARM_UP = int(read_machine().usable_cores)
ARMS = {"scenario", "reference"}
JUDGED = ("rps", "pace", "cpu_ms", "p99_ms")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished run that saved its result, and the files that it wrote."""

    suite: Suite
    run: Run
    page: Path
    stored: Path

    def benchmark(self) -> dict[str, Any]:
        """Return the entry of the only benchmark in the stored file."""
        (entry,) = json.loads(self.stored.read_text("utf-8"))["benchmarks"]
        found: dict[str, Any] = entry
        return found


@pytest.fixture(scope="module")
def real() -> Iterator[Recorded]:
    """A run of one scenario with ResNet-18, with its result saved."""
    with fresh_suite() as suite:
        page = suite.folder / "page.md"
        page.write_text("# What was there\n", encoding="utf-8")
        run = suite.run(
            *("-k", NAME, "--perf-pairs", str(PAIRS)),
            *("--perf-total", str(PAIRS * BLOCK), "--benchmark-save=real"),
            f"--benchmark-histogram={suite.folder}/times",
            env={"GITHUB_STEP_SUMMARY": str(page)},
        )
        assert run.code == pytest.ExitCode.OK, run.output
        (stored,) = suite.baselines.glob("*/*.json")
        yield Recorded(suite, run, page, stored)


def test_the_table_is_printed(real: Recorded) -> None:
    """The output has the scenario in both tables, a header, and why there is no verdict."""
    output = real.run.output
    assert "= serving performance =" in output
    verdict, usage = real.run.lines(f"{NAME}  ")
    assert "no baseline" in verdict
    assert " MiB" in usage or " GiB" in usage
    (header,) = real.run.lines("profile smoke; model resnet18 (seeded weights); ")
    assert "runtime process (asked for)" in header
    assert f"{NAME}: no baseline for {NAME} in {real.suite.baselines}" in output
    assert f"reports: {real.suite.reports}" in output


def test_the_summary_keeps_to_its_schema(real: Recorded) -> None:
    """summary.json keeps to its schema and has what was measured."""
    jsonschema.validate(real.run.result, schema())
    assert [entry["name"] for entry in real.run.result["scenarios"]] == [NAME]
    row = real.run.row(NAME)
    assert row["verdict"] == "no baseline"
    total = PAIRS * (BLOCK + REFERENCE_BLOCK) + WARM_UP + REFERENCE_WARM_UP
    assert row["requests"] == {"total": total, "failed": 0, "wrong": 0, "missed": 0}
    assert [pair["launch"] for pair in row["pairs"]] == [0] * PAIRS
    for pair in row["pairs"]:
        assert pair["yardstick_rps"] is None
        for arm in ARMS:
            assert all(pair[arm][figure] > 0 for figure in JUDGED), pair
    # Reading the memory is left out where it would cost too much of a short block.
    sampled = [pair[arm]["memory_bytes"] for pair in row["pairs"] for arm in ARMS]
    assert any(sampled)
    assert row["yardstick_rps"] is row["efficiency"] is row["limits"] is None
    assert row["against"] is row["before"] is None
    ratio = row["ratio"]
    assert 0 < ratio["low"] < ratio["estimate"] < ratio["high"]
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"]
    assert 0 < row["cpu_percent"]["mean"] <= row["cpu_percent"]["max"] <= 100
    assert row["memory_bytes"]["peak_bytes"] > 0


def test_reports_are_complete(real: Recorded) -> None:
    """No partly written file lies beside them."""
    names = sorted(path.name for path in real.suite.reports.iterdir())
    assert names == ["index.html", "metrics.prom", "summary.json", "summary.md"]


def test_the_page_of_a_ci_job_gets_the_table(real: Recorded) -> None:
    """The Markdown of reports/summary.md is added to the text of the page."""
    page = real.page.read_text("utf-8")
    assert page.startswith("# What was there\n## Inference serving performance\n")
    assert page.endswith((real.suite.reports / "summary.md").read_text("utf-8"))
    assert f"| {NAME} " in page


def test_the_stored_result_is_pytest_benchmarks_own(real: Recorded) -> None:
    """It has a round for each pair, and our facts of the machine, scenario and pairs."""
    assert real.stored.name == "0001_real.json"
    assert f"Saved benchmark data in: {real.stored}" in real.run.output
    machine = json.loads(real.stored.read_text("utf-8"))["machine_info"]["serving_perf"]
    assert machine["machine_class"] == real.run.result["machine_class"]
    assert machine["usable_cores"] > 0
    benchmark = real.benchmark()
    assert benchmark["group"] == NAME
    assert benchmark["stats"]["rounds"] == PAIRS
    extra = benchmark["extra_info"]["serving_perf"]
    row = real.run.row(NAME)
    assert extra["schema_version"] == SCHEMA_VERSION == 4
    for stored, written in zip(extra["pairs"], row["pairs"], strict=True):
        assert written["launch"] == stored["launch"]
        for arm in ("scenario", "reference"):
            assert written[arm] == pytest.approx(stored[arm])
    assert extra["requests"] == row["requests"]
    assert extra["seed"] == real.run.result["seed"]
    assert extra["identity"]["runtime"] == "process"
    assert extra["server"]["batch_size"] == 8
    assert extra["about"]["torchserve"]
    assert extra["conditions"].keys() == ARMS
    for seen in extra["conditions"].values():
        percents = [*seen.pop("busiest").values(), *seen.values()]
        assert all(0.0 <= percent <= 100.0 for percent in percents), seen


def test_the_histogram_is_drawn(real: Recorded) -> None:
    """--benchmark-histogram draws the rounds."""
    (drawing,) = real.suite.folder.glob("times*.svg")
    assert f"test_throughput[{NAME}]" in drawing.read_text("utf-8")


def test_the_model_alone_is_measured_where_limits_are_asked_for(suite: Suite) -> None:
    """With --perf-limits each pair has a yardstick, and the result has an efficiency."""
    run = suite.run(
        *("--perf-model", tiny_model(), "-k", NAME, "--perf-pairs", "2"),
        *("--perf-total", str(2 * BLOCK), "--perf-limits"),
    )
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row(NAME)
    assert all(pair["yardstick_rps"] > 0 for pair in row["pairs"])
    assert row["yardstick_rps"] > 0
    assert row["efficiency"] > 0
    assert row["limits"]["own"]


def test_a_disabled_benchmark_runs_one_pair(suite: Suite) -> None:
    """--benchmark-disable measures one pair: too little for a verdict, but no failure."""
    run = suite.run(
        *("--perf-model", tiny_model(), "--perf-scenario", "decentralized"),
        *("-k", "throughput", "--benchmark-disable"),
    )
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row("decentralized")
    assert len(row["pairs"]) == 1
    assert row["verdict"] == "inconclusive"
    assert row["ratio"] is None


def test_without_a_card_scenarios_are_skipped(suite: Suite) -> None:
    """The output says why. Nothing is measured on another device instead."""
    missing = find_card().missing
    if not missing:
        pytest.skip("this machine has a card")
    run = suite.run(
        *("--perf-model", tiny_model(), "--perf-scenario", "decentralized"),
        *("-k", "throughput", "-rs", "--perf-device", "cuda"),
    )
    assert f"--perf-device cuda: {missing}" in run.output
    assert "1 skipped" in run.output
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert "nothing could be measured: --perf-device cuda" in run.output
    assert run.summary is None or run.summary["scenarios"] == []


@contextlib.contextmanager
def busy_neighbours() -> Iterator[list[int]]:
    """Let other programs use a quarter of the CPUs, and at least one; yield their ids."""
    pids = []
    command = [sys.executable, "-c", BUSY]
    with contextlib.ExitStack() as stack:
        for _ in range(max(1, (os.cpu_count() or 1) // 4)):
            one = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(one.kill)
            assert one.stdout is not None
            assert one.stdout.readline()
            pids.append(one.pid)
        yield pids


def small(*more: str) -> tuple[str, ...]:
    """Return the arguments of a run of one pair without a server."""
    chosen = ("--perf-model", tiny_model(), "--perf-scenario", "decentralized")
    return (*chosen, "-k", "throughput", "--perf-pairs", "1", *more)


def test_a_run_beside_a_busy_program_is_inconclusive(suite: Suite) -> None:
    """The report says what disturbed it, and which program. It is no failure.

    The limits are not lifted here, so whatever else runs on the machine may be named too.
    """
    with busy_neighbours() as pids:
        run = suite.run(*small(), env=STRICT)
    assert run.code == pytest.ExitCode.OK, run.output
    row = run.row("decentralized")
    assert row["verdict"] == "inconclusive"
    assert row["requests"]["failed"] == row["requests"]["wrong"] == 0
    assert row["reason"].startswith("the machine was disturbed: ")
    assert "scenario blocks: other processes used " in row["reason"]
    assert "reference blocks: other processes used " in row["reason"]
    assert any(f"({pid})" in row["reason"] for pid in pids), row["reason"]
    assert len(row["replaced"]) == 1  # a disturbed pair is measured once more
    assert len(row["pairs"]) == 1


def test_a_disturbed_run_is_no_pass_where_a_baseline_is_required(suite: Suite) -> None:
    """Nor does its result become a baseline; the output says both, and why."""
    with busy_neighbours():
        run = suite.run(
            *small("--perf-require-baseline", "--benchmark-save=busy"), env=STRICT
        )
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    reason = run.row("decentralized")["reason"]
    (message,) = run.lines("decentralized is inconclusive. ")
    assert reason[1:] in message  # it begins a sentence there
    assert "Traceback" not in run.output
    (refusal,) = run.lines("--benchmark-save: nothing was saved: ")
    assert refusal.endswith(f"nothing was saved: decentralized is inconclusive: {reason}")
    assert list(suite.baselines.glob("*/*.json")) == []


@pytest.mark.parametrize("more", [(), ("-v",), ("--benchmark-sort=mean",)], ids=str)
def test_tables_of_block_times_are_shown_where_asked_for(
    more: tuple[str, ...], suite: Suite
) -> None:
    """Otherwise one line says how to get them."""
    run = suite.run(*small(*more))
    assert run.code == pytest.ExitCode.OK, run.output
    assert ("Name (time in " in run.output) == bool(more)
    said = run.lines("pytest-benchmark's tables of block times: -v prints them")
    assert len(said) == (0 if more else 1)


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("-k", "batch or single"), ["serving-single", "serving-batch"]),
        (("--perf-scenario=serving-batch,decentralized",), ["decentralized", NAME]),
        (("--perf-scenario", NAME, "--perf-scenario", NAME), [NAME]),
        (("--perf-profile=article", "-k", "decentralized-50"), ["decentralized-50"]),
    ],
)
def test_scenarios_are_chosen_by_name(
    arguments: tuple[str, ...], chosen: list[str], suite: Suite
) -> None:
    """-k and --perf-scenario choose these rows of the table, and no others."""
    run = suite.run("--collect-only", "-q", *arguments)
    assert run.code == pytest.ExitCode.OK, run.output
    collected = run.lines("perf/test_throughput.py::test_throughput[")
    names = [line.partition("[")[2].removesuffix("]") for line in collected]
    assert sorted(names) == sorted(chosen)
