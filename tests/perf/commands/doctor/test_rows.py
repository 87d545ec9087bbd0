"""What the rows of a run need: their environment, their packages, a fitting machine."""

from __future__ import annotations

import configparser
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from perf.commands.doctor import rows as module
from perf.commands.doctor.findings import Level
from perf.config.scenario import Scenario
from perf.config.settings import Settings
from perf.config.table import Table
from perf.machine.facts import Machine, read_machine
from serving.child import ChildError
from serving.device import Card
from serving.runtimes.choice import RuntimeChoice
from tests.perf.judge.test_identity import VERSIONS, settings
from tests.support.suite import ROOT

PROCESS, DOCKER = RuntimeChoice("process", ""), RuntimeChoice("docker", "")
INSTALLED = {**VERSIONS, "torch-model-archiver": "0.12.0"}


def rows(*names: str) -> tuple[Scenario, ...]:
    """Return rows of the table."""
    return tuple(Table.read().find(name) for name in names)


def machine(*instruction_sets: str) -> Machine:
    """Return this machine, with other instruction sets."""
    return replace(read_machine(), instruction_sets=instruction_sets)


def run_of(*names: str) -> Settings:
    """Return the settings of a run of these rows."""
    return replace(settings(), scenarios=rows(*names))


@pytest.mark.parametrize(
    ("names", "environment"),
    [
        (["serving-batch"], "perf"),
        (["litserve-batch"], "servers"),
        (["litserve-openvino"], "engines"),
        (["handler-serial", "decentralized"], "handlers"),
        (["litserve-openvino", "serving-batch", "ray-batch"], "engines"),
        ([], "perf"),
    ],
)
def test_rows_are_measured_in_the_environment_of_their_family(
    names: Sequence[str], environment: str
) -> None:
    """Those of several families in that of the last one in the table."""
    assert module.environment(rows(*names)) == environment


def test_a_later_family_installs_what_the_earlier_ones_do() -> None:
    """So one environment can measure rows of several families."""
    read = configparser.ConfigParser(interpolation=None)
    read.read(ROOT / "tox.ini", encoding="utf-8")
    every = read["every"]["deps"]
    families = dict.fromkeys(row.family for row in Table.read().scenario)
    environments = [module.environment(rows_of(family)) for family in families]
    installed = [
        set(read[f"testenv:{one}"]["deps"].replace("{[every]deps}", every).split("\n"))
        for one in environments
    ]
    assert environments[0] == module.OWN
    assert all(before <= after for before, after in pairwise(installed))


def rows_of(family: str) -> tuple[Scenario, ...]:
    """Return the rows of a family."""
    return tuple(row for row in Table.read().scenario if row.family == family)


def test_what_a_run_would_skip_is_named() -> None:
    """For the run's own reasons: the runtime, or what the processor lacks."""
    asked = run_of("triton-batch", "litserve-openvino-int8", "serving-batch")
    assert module.refused(asked, PROCESS, machine("avx512")) == {
        "triton-batch": "triton needs --perf-runtime docker",
        "litserve-openvino-int8": "engine openvino-int8 needs vnni; this CPU has avx512",
    }
    assert module.refused(asked, DOCKER, machine("avx512", "vnni")) == {}


def test_a_backend_that_does_not_exist_is_a_reason() -> None:
    """It is told like the others, and is no error of the doctor."""
    (row,) = rows("serving-batch")
    asked = replace(settings(), scenarios=(row.changed({"backend": "none"}),))
    (reason,) = module.refused(asked, PROCESS, machine()).values()
    assert "backend none: no such backend" in reason


def test_a_card_that_is_missing_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a finding of the machine, and not for each row; so is a torch that is missing."""
    asked = replace(run_of("serving-batch", "decentralized-shared"), device="cuda")
    monkeypatch.setattr(module, "find_card", lambda: Card("", "there is no card"))
    assert module.refused(asked, PROCESS, machine()) == {}

    def dies() -> Card:
        raise ChildError("no torch")

    monkeypatch.setattr(module, "find_card", dies)
    assert module.refused(asked, PROCESS, machine()) == {}


def test_a_reason_is_told_once_for_all_its_rows() -> None:
    """With what to do; on a card, that can be to compute on the CPU."""
    reasons = {"a": "no Docker", "b": "no g++", "c": "no Docker"}
    first, second = module.refusals(reasons, "cpu", Level.FAULT)
    assert first.what == "a, c cannot be measured: no Docker"
    assert second.what == "b cannot be measured: no g++"
    assert {first.level, second.level} == {Level.FAULT}
    assert "--perf-scenario" in first.remedy
    (third,) = module.refusals({"a": "no card"}, "cuda", Level.WARNING)
    assert third.level is Level.WARNING
    assert "leave --perf-device out" in third.remedy


def test_packages_of_another_environment_may_be_missing_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment of the rows installs them, and the doctor has another one."""
    monkeypatch.setattr(module, "versions", lambda: INSTALLED)
    here = [*rows("serving-batch", "decentralized")]
    for asked in (here, [*here, *rows("litserve-openvino")], rows("ray-batch")):
        assert list(module.without_packages(asked, PROCESS)) == []


def test_a_main_row_needs_its_packages_in_the_doctors_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server's are not needed here where it runs in a container, an engine's are."""
    monkeypatch.setattr(module, "versions", lambda: INSTALLED)
    (row,) = rows("serving-batch")
    changed = row.changed({"backend": "litserve", "engine": "openvino"})
    (fault,) = module.without_packages([row, changed], PROCESS)
    assert fault.level is Level.FAULT
    assert fault.what == (
        "serving-batch needs openvino, litserve, which `tox -e perf` lacks"
    )
    assert fault.remedy
    (fault,) = module.without_packages([changed], DOCKER)
    assert "needs openvino, which" in fault.what
