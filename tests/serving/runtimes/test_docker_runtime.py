"""What a container may and may not do, and what is told of it."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import psutil
import pytest

from serving.runtimes.base import SESSION_LABEL
from tests.support.docker_engine import TEST_REPOSITORY, Runtimes
from tests.support.docker_programs import free_port, portrait

pytest_plugins = ("tests.support.docker_fixtures",)


def test_program_has_no_privileges(runtimes: Runtimes, tmp_path: Path) -> None:
    """The program is not root, can gain no rights, and can write only its scratch."""
    with portrait(runtimes(), tmp_path) as (_, seen):
        assert (seen["uid"], seen["gid"]) == (10001, 10001)
        assert seen["status"]["NoNewPrivs"] == "1"
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(seen["status"][kind], 16) == 0
        for place in ("write_root", "write_home", "write_beside"):
            assert seen[place] in {"Read-only file system", "Permission denied"}
        assert seen["run_script"] == "done"
        assert seen["first_process"] in {"docker-init", "tini"}
        environment = seen["environment"]
        scratch = runtimes().place(()).scratch
        assert environment["HOME"] == environment["TMPDIR"] == scratch


def test_file_of_its_owner_alone_can_be_read(runtimes: Runtimes, tmp_path: Path) -> None:
    """The program can read a file that only its owner may read here."""
    with portrait(runtimes(), tmp_path) as (_, seen):
        assert seen["private"] == "for its owner"


def test_engine_was_told_the_limits(
    runtimes: Runtimes, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """Limits, label and ports are as asked for, and the container never restarts."""
    with portrait(runtimes(cpus=0.5, memory="256m"), tmp_path) as (launched, _):
        facts = launched.describe()
        inspected = engine.api.inspect_container(launched._id)
        host = inspected["HostConfig"]
        assert (host["NanoCpus"], host["Memory"]) == (500_000_000, 256 * 1024**2)
        assert host["RestartPolicy"]["Name"] in {"", "no"}
        assert host["AutoRemove"] is False
        assert host["ReadonlyRootfs"] is True
        assert {b["HostIp"] for b in inspected["NetworkSettings"]["Ports"]["8080/tcp"]} == {
            "127.0.0.1"
        }
        assert inspected["Config"]["Labels"][SESSION_LABEL]
        assert facts["limit_cpus"] == "0.5"
        assert facts["limit_memory_bytes"] == str(256 * 1024**2)
        assert facts["image"].startswith(f"{TEST_REPOSITORY}:")
        assert facts["image_digest"] == inspected["Image"]
        assert facts["engine"].startswith("Docker ")


def test_root_process_is_the_containers(
    runtimes: Runtimes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root is the first process's parent; a number from elsewhere is refused."""
    with portrait(runtimes(), tmp_path) as (launched, _):
        (pid,) = launched.root_pids()
        (first,) = psutil.Process(pid).children()
        assert launched._id in Path(f"/proc/{first.pid}/cgroup").read_text("utf-8")
        monkeypatch.setattr(launched, "_state", lambda: {"Pid": os.getpid()})
        assert launched.root_pids() == ()


def test_the_engine_is_the_runtimes_helper(runtimes: Runtimes) -> None:
    """The helpers are the Docker engine's processes, which forward ports and write logs."""
    names = {psutil.Process(pid).name() for pid in runtimes().helper_pids()}
    assert "dockerd" in names
    assert names <= {"dockerd", "containerd"}


def test_fixed_port_is_used(runtimes: Runtimes, tmp_path: Path) -> None:
    """The first port has the number asked for."""
    port = free_port()
    with portrait(runtimes(port=port), tmp_path) as (launched, _):
        assert launched.address("main") == ("127.0.0.1", port)
