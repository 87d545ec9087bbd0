"""What this machine and this installation have, and what keeps a run from starting."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from perf.commands.doctor import here
from perf.commands.doctor.findings import Finding, Level
from perf.config.settings import Settings
from perf.machine.facts import Machine, read_machine
from serving.device import DEVICES, Card, Device
from serving.errors import ConfigError
from serving.runtimes.choice import RuntimeChoice
from serving.runtimes.java import Java
from tests.perf.judge.test_identity import VERSIONS
from tests.perf.judge.test_identity import settings as usual_settings

GIB = 1024**3
_NOBODY = 65534
NO_CARD = Card("", "torch 2.13.0+cpu is built for the CPU only")
PROCESS = RuntimeChoice("process", "asked for")
_Usage = namedtuple("_Usage", "total used free")  # noqa: PYI024 -- what shutil returns


@pytest.fixture(autouse=True)
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch, which is slow to load, is not asked for a card."""
    monkeypatch.setattr(here, "find_card", lambda: NO_CARD)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a run whose folders do not exist yet."""
    usual = usual_settings()
    return replace(usual, cache=tmp_path / "a" / "cache", reports=tmp_path / "reports")


def of_machine(settings: Settings, machine: Machine | None = None) -> list[Finding]:
    """Return what is found of the machine."""
    return list(here.machine(machine or read_machine(), settings))


def faults(findings: list[Finding]) -> list[Finding]:
    """Return those that keep a run from starting; each says what mends it."""
    found = [one for one in findings if one.level is Level.FAULT]
    assert all(one.remedy for one in found)
    return found


def test_this_machine_is_described(settings: Settings) -> None:
    """Its cores, its memory, its disks; folders that do not exist yet are no fault."""
    found = of_machine(settings)
    assert faults(found) == []
    said = " ".join(one.what for one in found)
    machine = read_machine()
    for fact in (f"{machine.usable_cores:g} cores", machine.cpu_model, str(settings.cache)):
        assert fact in said
    assert not settings.cache.exists()


def test_limits_of_the_cpu_are_told(settings: Settings) -> None:
    """A quota, and an affinity to some of the cores."""
    machine = replace(read_machine(), allowed_cores=4, cpu_quota_cores=1.5)
    assert "limited by a quota; there are 4" in of_machine(settings, machine)[0].what
    machine = replace(machine, allowed_cores=1, cpu_quota_cores=None)
    found = here._cores(machine, all_cores=64)
    assert found.endswith("(limited by the CPU affinity; there are 64)")


def test_too_little_memory_is_a_warning(settings: Settings) -> None:
    """A run could still start; the line has what is needed."""
    machine = replace(read_machine(), memory_limit_bytes=GIB)
    (found,) = [one for one in of_machine(settings, machine) if "GiB of memory" in one.what]
    assert found.level is Level.WARNING
    assert "1.0 GiB of memory, limited by the container" in found.what


def test_a_smaller_run_is_advised_once(settings: Settings) -> None:
    """The smallest profile is no way out for who has chosen it."""
    machine = replace(read_machine(), memory_limit_bytes=GIB)
    smallest = replace(settings, profile_name="smoke")
    remedies = [of_machine(one, machine)[1].remedy for one in (settings, smallest)]
    assert ["--perf-profile smoke" in remedy for remedy in remedies] == [True, False]


def test_a_full_disk_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder with too little space names the option for another one."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(GIB, GIB, GIB // 10))
    warned = [one for one in of_machine(settings) if one.level is Level.WARNING]
    assert ["--perf-cache" in one.remedy for one in warned] == [True, False, False]
    assert "TMPDIR" in warned[1].remedy
    assert "--perf-reports" in warned[2].remedy


def test_a_folder_that_cannot_be_written_is_a_fault(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options for other folders are named."""
    monkeypatch.setattr("os.access", lambda *_: False)
    found = faults(of_machine(settings))
    assert len(found) == 3
    assert found[1].remedy == "choose another folder: TMPDIR"
    assert "--perf-reports" in found[2].remedy


@pytest.mark.parametrize("below", ["", "x"])
@pytest.mark.parametrize("name", ["cache", "reports"])
def test_a_file_is_no_folder(settings: Settings, name: str, below: str) -> None:
    """A file cannot be the folder of the cache or of the reports, nor hold it."""
    file = settings.reports.with_name("file")
    file.touch()
    folder = file / below if below else file
    changed = replace(settings, reports=folder)
    if name == "cache":
        changed = replace(settings, cache=folder)
    (fault,) = faults(of_machine(changed))
    assert fault.what.startswith(
        f"{file} is no folder, so the {name} cannot be in {folder}"
    )
    assert f"--perf-{name}" in fault.remedy


@contextmanager
def without_rights() -> Iterator[None]:
    """Let this process be nobody's inside the block, where it is root's."""
    user = os.getuid()
    if user == 0:
        os.setresuid(_NOBODY, _NOBODY, user)
    try:
        yield
    finally:
        if user == 0:
            os.setresuid(user, user, user)


def test_a_folder_that_cannot_be_looked_into_is_a_fault(
    settings: Settings, tmp_path: Path
) -> None:
    """Whether something is below it is not known, and that is no error of the doctor."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    hidden = replace(settings, cache=closed / "a" / "cache")
    with without_rights():
        found = list(here._disks(hidden))
    (fault,) = faults([one for one in found if str(closed) in one.what])
    assert "which you may not write" in fault.what
    assert "--perf-cache" in fault.remedy


def test_a_card_matters_only_where_it_is_asked_for(settings: Settings) -> None:
    """Without one the CPU is used, unless --perf-device cuda was given."""
    assert any(NO_CARD.missing in one.what for one in of_machine(settings))
    assert faults(of_machine(settings)) == []
    (fault,) = faults(of_machine(replace(settings, device="cuda")))
    assert fault.what == NO_CARD.missing


def test_another_run_is_a_fault(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named. Torch is not asked for a card, because that would disturb the run."""
    monkeypatch.setattr(here, "find_card", lambda: pytest.fail("torch was loaded"))
    (fault,) = faults(list(here.machine(read_machine(), settings, "process 7")))
    assert "another run of the suite (process 7)" in fault.what


def installed(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    """Let these versions be installed beside the usual ones; None is not."""
    known = {**VERSIONS, "torch-model-archiver": "0.12.0", **changes}
    found = {name: version for name, version in known.items() if version}
    monkeypatch.setattr(here, "versions", lambda: found)
    java = Java(Path("/usr"), 21, "PATH")
    monkeypatch.setattr(here, "find_java", lambda: java)


def test_what_is_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python, torch, the server's packages, Java, and where servers run."""
    installed(monkeypatch)
    found = list(here.software(PROCESS, "cpu"))
    said = " ".join(one.what for one in found)
    for fact in ("torch 2.13.0", "torchserve 0.12.0", "Java 21", "processes (asked for)"):
        assert fact in said
    assert faults(found) == []
    assert here.missing_packages() == []


def test_a_missing_package_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that installs everything is named."""
    installed(monkeypatch, torch=None)
    (fault,) = faults(list(here.software(PROCESS, "cpu")))
    assert fault.what == "not installed: torch"
    assert "tox -e doctor" in fault.remedy
    assert here.missing_packages() == ["torch"]


def test_without_java_processes_cannot_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container brings its own."""
    installed(monkeypatch)

    def missing() -> Java:
        raise ConfigError("no Java was found: TorchServe needs Java 17 or newer")

    monkeypatch.setattr(here, "find_java", missing)
    (fault,) = faults(list(here.software(PROCESS, "cpu")))
    assert fault.what.startswith("no Java was found")
    assert faults(list(here.software(RuntimeChoice("docker", "asked for"), "cpu"))) == []


def test_a_temporary_folder_that_is_too_long_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another folder mends it, not another runtime."""
    installed(monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 60)))
    with pytest.raises(ConfigError) as caught:
        RuntimeChoice.make("process")
    (fault,) = faults(list(here.software(caught.value, "cpu")))
    assert "too long" in fault.what
    assert fault.remedy == "choose another folder: TMPDIR"


@pytest.mark.parametrize("device", DEVICES)
def test_a_runtime_that_cannot_be_used_is_a_fault(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own message is shown. No Docker engine is started where none could serve."""
    installed(monkeypatch)
    error = ConfigError("--perf-runtime docker: it cannot be used")
    (fault,) = faults(list(here.software(error, device)))
    assert fault.what == str(error)
    assert "leave --perf-runtime docker out" in fault.remedy
    assert ("start" in fault.remedy) == (device == "cpu")
