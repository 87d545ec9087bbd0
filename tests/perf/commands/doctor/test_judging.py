"""Which baseline applies, and the smallest loss that could be seen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from perf.commands.doctor import judging as module
from perf.commands.doctor.findings import Level
from perf.commands.doctor.judging import Judging
from perf.judge.baselines import BaselineStore
from tests.perf.judge.test_identity import STORED, header, settings

RECORD = "tox -e rebaseline"
STORE = BaselineStore(STORED[0].parents[1])
MAIN = ("decentralized", "serving-single", "serving-batch", "serving-workers-2")


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Judging:
    """The main scenarios on the machine of the stored baseline, whose commit is at hand."""
    monkeypatch.setattr(module, "is_at_hand", bool)
    usual = settings()
    rows = tuple(row for row in usual.scenarios if row.name in MAIN)
    newest = next(one for one in STORE.all() if one.name == MAIN[0])
    return Judging(
        settings=replace(usual, scenarios=rows, budget_s=360.0 * len(rows)),
        header=header(newest),
        store=STORE,
    )


def losses_of(judging: Judging) -> list[str]:
    """Return what is said of the smallest losses: a line for each scenario."""
    said = [one.what for one in judging.smallest_losses()]
    assert [line.partition(":")[0] for line in said] == list(MAIN)
    return said


def percents(judging: Judging) -> list[float]:
    """Return the smallest loss of each scenario, in per cent."""
    said = losses_of(judging)
    return [float(re.findall(r"about ([\d.]+) %", line)[0]) for line in said]


def test_the_baseline_of_each_scenario_is_named(judging: Judging) -> None:
    """With its runs, its date and its commit; nothing needs to be mended."""
    found = list(judging.baselines(RECORD))
    assert [one.what.partition(":")[0] for one in found] == list(MAIN)
    for one in found:
        assert one.level is Level.GOOD
        assert re.search(r": \d{4}_\S+\.json, \d+ runs?, the newest of 20\d\d-", one.what)
        assert one.what.endswith(" is in git")
    assert judging.without_baseline == []


def test_the_first_difference_is_named(judging: Judging) -> None:
    """Where none applies: in words, with how many more there are, and what to type."""
    other = replace(judging.header, machine_class="arm64-1cpu", runtime="another")
    elsewhere = replace(judging, header=other)
    found = list(elsewhere.baselines(RECORD))
    assert {one.level for one in found} == {Level.WARNING}
    assert {one.remedy for one in found} == {RECORD}
    assert "machine_class is arm64-1cpu, in the baseline x86_64" in found[0].what
    assert found[0].what.endswith("; 1 more difference")
    assert elsewhere.without_baseline == list(MAIN)


def test_what_can_be_settled_is_estimated_side_by_side(judging: Judging) -> None:
    """A loss of a few per cent; serving-single, whose launches are longest, sees least."""
    said = losses_of(judging)
    assert all(" side by side, with " in line for line in said)
    losses = dict(zip(MAIN, percents(judging), strict=True))
    assert all(2.0 < loss < 6.0 for loss in losses.values())
    assert max(losses, key=losses.__getitem__) == "serving-single"


def test_a_baseline_alone_sees_less(
    judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run cannot show how runs differ, so only a large loss would be seen."""
    aside = percents(judging)
    monkeypatch.setattr(module, "is_at_hand", lambda _: False)
    said = losses_of(judging)
    assert all(" by the baseline alone, with " in line for line in said)
    assert all(
        alone > 5.0 * beside for alone, beside in zip(percents(judging), aside, strict=True)
    )


def test_more_time_sees_less_loss(judging: Judging) -> None:
    """Each launch makes the error smaller."""
    longer = replace(judging, settings=replace(judging.settings, budget_s=7200.0))
    before_after = zip(percents(judging), percents(longer), strict=True)
    assert all(after < before for before, after in before_after)


def test_without_a_time_limit_the_profiles_launches_count(judging: Judging) -> None:
    """So does a machine on which nothing tells how long a block lasts."""
    counted = replace(judging.settings, budget_s=None, amounts_asked=True)
    unlimited = replace(judging, settings=counted)
    planned = judging.settings.profile.launches
    said = losses_of(unlimited)
    assert all(line.endswith(f" with {planned} launches") for line in said)
    unknown = replace(judging, header=replace(judging.header, runtime="another"))
    said = losses_of(unknown)
    assert all(line.endswith(f" with {planned} launches") for line in said)


def test_a_baseline_of_another_cpu_is_a_warning(
    judging: Judging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It applies, but a change can only be seen side by side with its commit."""
    other = {**judging.header.machine, "CPU": "Another CPU"}
    elsewhere = replace(judging, header=replace(judging.header, machine=other))
    found = list(elsewhere.baselines(RECORD))
    assert {one.level for one in found} == {Level.WARNING}
    assert {one.remedy for one in found} == {RECORD}
    assert all(" of another CPU" in one.what for one in found)
    assert elsewhere.without_baseline == list(MAIN)
    assert all(" side by side, " in line for line in losses_of(elsewhere))
    monkeypatch.setattr(module, "is_at_hand", lambda _: False)
    alone = losses_of(elsewhere)
    assert all(": none by the baseline alone" in line for line in alone)
