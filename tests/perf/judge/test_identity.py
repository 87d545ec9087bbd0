"""What decides whether a stored baseline applies to a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perf.config.arm_kinds import ARM_KINDS
from perf.config.header import RunHeader
from perf.config.scenario import NotInIdentity, Scenario
from perf.config.settings import Settings
from perf.config.table import Table
from perf.judge.baselines import Baseline, read_baselines
from perf.judge.identity import identity_of
from serving.model.choice import ModelChoice, photographs
from serving.runtimes.choice import DockerSettings

STORED = sorted((Path(__file__).parents[3] / "baselines").glob("*/*.json"))
CORES = 2
# Only their major versions count. The quick tests run where torch is not installed.
VERSIONS = {
    "torch": "2.13.0",
    "torchvision": "0.28.0",
    "torchserve": "0.12.0",
    "python": "3.11.7",
}


def settings() -> Settings:
    """Return the settings of a standard run without any option, on two cores."""
    table = Table.read()
    return Settings(
        profile_name="standard",
        profile=table.profile["standard"],
        scenarios=table.scenario,
        left_out=(),
        reference=table.find("decentralized"),
        model=ModelChoice.parse("resnet152", "seeded"),
        images=tuple(path for path in photographs() if path.stem == "kitten"),
        runtime="auto",
        device="cpu",
        docker=DockerSettings(),
        cores=CORES,
        threads=1,
        seed=1,
        arrivals_seed=0,
        repeat_options=(),
        sweep="",
        budget_s=None,
        amounts_asked=False,
        against="",
        confirm=True,
        turn_s=0.5,
        port=0,
        startup_timeout_s=180,
        job_timeout_s=120,
        require_baseline=False,
        limits=False,
        cache=Path(),
        history=None,
        reports=Path(),
    )


def header(baseline: Baseline) -> RunHeader:
    """Return the head of a run on a baseline's machine and runtime."""
    return RunHeader(
        profile="standard",
        runtime=baseline.identity.runtime,
        runtime_reason="",
        machine_class=baseline.identity.machine_class,
        device="cpu",
        seed=1,
        model="resnet152",
        machine={},
        versions=VERSIONS,
    )


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_stored_baselines_apply_to_the_rows_of_today(path: Path) -> None:
    """No field that joined a row since a baseline was recorded makes it useless."""
    found = read_baselines(path)
    assert found
    for baseline in found:
        row = Table.read().find(baseline.name)
        today = identity_of(settings(), header(baseline), row)
        assert today.differences(baseline.identity) == [], baseline.name


def test_a_setting_of_the_server_decides() -> None:
    """A row with another batch size has another identity; its tolerance has no part."""
    row = Table.read().find("serving-batch")
    assert row.changed({"batch_size": 4}).identity() != row.identity()
    assert row.changed({"tolerance": 0.5}).identity() == row.identity()


@pytest.mark.parametrize("runtime", ["docker", "process"])
@pytest.mark.parametrize("name", ["serving-batch", "decentralized"])
def test_a_limit_of_the_container_decides(runtime: str, name: str) -> None:
    """Only for what runs in one. Without a limit, older records apply."""
    row = Table.read().find(name)
    (head, *_) = (header(one) for path in STORED for one in read_baselines(path))
    head = replace(head, runtime=runtime)
    limited = replace(settings(), docker=DockerSettings(cpus=1.0, memory="4g"))
    found = [identity_of(each, head, row).spec for each in (settings(), limited)]
    added = found[1].keys() - found[0].keys()
    contained = runtime == "docker" and name == "serving-batch"
    assert added == ({"docker_cpus", "docker_memory"} if contained else set())


def test_a_field_that_joined_later_counts_once_it_is_used() -> None:
    """`wire` is left out of the identity while it has the value of older records."""
    row = Table.read().find("handler-serial")
    assert "wire" not in row.identity()
    assert row.changed({"wire": "tensor"}).identity()["wire"] == "tensor"


def test_what_names_a_row_is_not_in_its_identity() -> None:
    """The marked fields, and no others, are missing in the identity of a used-up row."""
    marked = {
        name
        for name, field in Scenario.model_fields.items()
        if any(isinstance(one, NotInIdentity) for one in field.metadata)
    }
    tolerances = {f"{of}tolerance" for of in ("", "against_", "memory_", "cpu_", "p99_")}
    assert marked == {"name", "profiles", "family", "block_factor", *tolerances}
    assert not marked & set(Table.read().find("serving-batch").identity())


@pytest.mark.parametrize("name", sorted(ARM_KINDS))
def test_every_kind_of_arm_is_measured_by_a_row(name: str) -> None:
    """No kind is left in the code that the table does not use."""
    assert any(row.arm == name for row in Table.read().scenario)
