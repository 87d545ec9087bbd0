"""The facts about a machine, its limits, and its class."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.machine.facts import Machine, machine_class, machine_info, read_machine

_GIB = 1024**3
_ZEN4 = "fpu sse4_2 avx avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16 avx512_vnni"

_MACHINE = Machine(
    architecture="x86_64",
    cpu_model="AMD EPYC",
    kernel="6.1.0",
    allowed_cores=2,
    cpu_quota_cores=None,
    physical_memory_bytes=24 * _GIB,
    memory_limit_bytes=None,
    instruction_sets=("avx512", "vnni", "bf16"),
)

Trees = tuple[Path, Path]


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trees:
    """The folders proc and cgroup of a machine with 8 cores, 24 GiB and no cgroups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    _write(proc / "meminfo", f"MemTotal:       {24 * 1024**2} kB\nMemFree: 1 kB\n")
    _write(proc / "cpuinfo", f"processor\t: 0\nmodel name\t: A CPU\nflags\t\t: {_ZEN4}\n")
    cgroup.mkdir()
    return proc, cgroup


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _v1(trees: Trees, *, quota_us: int, limit_bytes: int, folder: str = "docker/x") -> None:
    proc, cgroup = trees
    _write(proc / "self/cgroup", f"4:memory:/{folder}\n2:cpuacct,cpu:/{folder}\n0::/\n")
    for name, where in (("cpuacct,cpu", ""), ("cpuacct,cpu", folder)):
        quota = quota_us if where else -1
        _write(cgroup / name / where / "cpu.cfs_quota_us", f"{quota}\n")
        _write(cgroup / name / where / "cpu.cfs_period_us", "100000\n")
    _write(cgroup / "memory/memory.limit_in_bytes", "9223372036854771712\n")
    _write(cgroup / "memory" / folder / "memory.limit_in_bytes", f"{limit_bytes}\n")


def _v2(trees: Trees, *, cpu_max: str, memory_max: str) -> None:
    proc, cgroup = trees
    _write(proc / "self/cgroup", "0::/outer/inner\n")
    _write(cgroup / "outer/inner/cpu.max", f"{cpu_max}\n")
    _write(cgroup / "outer/inner/memory.max", f"{memory_max}\n")
    _write(cgroup / "outer/cpu.max", "max 100000\n")
    _write(cgroup / "outer/memory.max", "max\n")


def test_the_limits_of_cgroup_v1_are_read(trees: Trees) -> None:
    """The CPU quota and the memory limit of version 1 are the usable cores and memory."""
    _v1(trees, quota_us=250_000, limit_bytes=6 * _GIB)
    machine = read_machine(*trees)
    assert (machine.cpu_quota_cores, machine.usable_cores) == (2.5, 2.5)
    assert (machine.memory_limit_bytes, machine.memory_bytes) == (6 * _GIB, 6 * _GIB)


def test_the_limits_of_cgroup_v2_are_read(trees: Trees) -> None:
    """The CPU quota and the memory limit of version 2 are the usable cores and memory."""
    _v2(trees, cpu_max="150000 50000", memory_max=str(4 * _GIB))
    machine = read_machine(*trees)
    assert machine.usable_cores == 3.0
    assert machine.memory_bytes == 4 * _GIB


@pytest.mark.parametrize(
    "unlimited",
    [
        lambda trees: _v1(trees, quota_us=-1, limit_bytes=9223372036854771712),
        lambda trees: _v2(trees, cpu_max="max 100000", memory_max="max"),
        lambda _trees: None,
    ],
    ids=["v1", "v2", "no cgroups"],
)
def test_without_limits_the_whole_machine_is_usable(
    trees: Trees, unlimited: Callable[[Trees], None]
) -> None:
    """What either version writes for "no limit" is read as no limit."""
    unlimited(trees)
    machine = read_machine(*trees)
    assert (machine.cpu_quota_cores, machine.usable_cores) == (None, 8.0)
    assert (machine.memory_limit_bytes, machine.memory_bytes) == (None, 24 * _GIB)


def test_the_lowest_limit_up_to_the_root_applies(trees: Trees) -> None:
    """A lower limit of a parent cgroup applies to its children."""
    _v2(trees, cpu_max="400000 100000", memory_max=str(8 * _GIB))
    _write(trees[1] / "outer/cpu.max", "100000 100000\n")
    _write(trees[1] / "outer/memory.max", f"{2 * _GIB}\n")
    machine = read_machine(*trees)
    assert machine.usable_cores == 1.0
    assert machine.memory_bytes == 2 * _GIB


def test_limits_above_the_machine_have_no_effect(trees: Trees) -> None:
    """A quota above the machine's cores, and a limit above its memory, change nothing."""
    _v1(trees, quota_us=6_400_000, limit_bytes=64 * _GIB)
    machine = read_machine(*trees)
    assert machine.usable_cores == 8.0
    assert machine.memory_limit_bytes is None


@pytest.mark.parametrize("path", ["/docker/of-the-host", "/../../of-the-host"])
def test_a_container_reads_its_limits_at_the_root(trees: Trees, path: str) -> None:
    """If the path in /proc/self/cgroup is the host's, the root has the limits."""
    proc, cgroup = trees
    _write(proc / "self/cgroup", f"4:memory:{path}\n2:cpu:{path}\n")
    _write(cgroup / "memory/memory.limit_in_bytes", f"{3 * _GIB}\n")
    _write(cgroup / "cpu/cpu.cfs_quota_us", "100000\n")
    _write(cgroup / "cpu/cpu.cfs_period_us", "50000\n")
    machine = read_machine(*trees)
    assert machine.usable_cores == 2.0
    assert machine.memory_bytes == 3 * _GIB


@pytest.mark.parametrize(
    ("architecture", "line", "sets"),
    [
        ("x86_64", f"flags\t\t: {_ZEN4}", ("avx512", "vnni", "bf16")),
        (
            "x86_64",
            f"flags\t\t: {_ZEN4} amx_tile amx_int8",
            ("avx512", "vnni", "bf16", "amx"),
        ),
        ("x86_64", "flags\t\t: sse4_2 avx2 avx512f", ("avx2",)),
        ("x86_64", "flags\t\t: sse4_2 avx2 avx_vnni", ("avx2", "vnni")),
        ("x86_64", "flags\t\t: sse4_2 avx", ("sse4_2",)),
        ("x86_64", "", ("baseline",)),
        ("aarch64", "Features\t: fp asimd asimddp", ("neon", "dotprod")),
        (
            "aarch64",
            "Features\t: asimd asimddp sve bf16",
            ("neon", "dotprod", "bf16", "sve"),
        ),
        ("arm64", "", ("neon",)),
    ],
)
def test_the_instruction_sets_that_engines_use_are_read(
    trees: Trees,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    line: str,
    sets: tuple[str, ...],
) -> None:
    """A level needs all of its flags; the extras follow in a fixed order."""
    monkeypatch.setattr(platform, "machine", lambda: architecture)
    _write(trees[0] / "cpuinfo", f"processor\t: 0\n{line}\nbugs\t\t: avx2\n")
    machine = read_machine(*trees)
    assert machine.instruction_sets == sets
    assert machine.architecture == ("x86_64" if architecture == "x86_64" else "arm64")


def test_the_class_reads_as_documented() -> None:
    """The class is architecture, cores, instruction sets and memory band."""
    assert machine_class(_MACHINE) == "x86_64-2cpu-avx512+vnni+bf16-16to32GiB"


@given(model=st.text(), kernel=st.text(), allowed=st.integers(2, 512))
def test_machines_that_differ_in_nothing_important_share_a_class(
    model: str, kernel: str, allowed: int
) -> None:
    """CPU model and kernel do not matter, nor whether a quota limits the cores."""
    other = replace(_MACHINE, cpu_model=model, kernel=kernel)
    held = replace(other, allowed_cores=allowed, cpu_quota_cores=2.0)
    assert machine_class(other) == machine_class(held) == machine_class(_MACHINE)


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (
            "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n",
            "AMD EPYC (family 25, model 17)",
        ),
        ("model name\t: A CPU\n", "A CPU"),
        (
            "CPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n",
            "a processor (implementer 0x41, part 0xd0c)",
        ),
    ],
)
def test_cpus_of_one_name_are_told_apart(
    trees: Trees, monkeypatch: pytest.MonkeyPatch, cpuinfo: str, name: str
) -> None:
    """A host may call Zen 4 and Zen 5 alike; the numbers of the CPU differ."""
    monkeypatch.setattr(platform, "processor", lambda: "a processor")
    _write(trees[0] / "cpuinfo", cpuinfo)
    assert read_machine(*trees).cpu_model == name


def test_the_clock_does_not_change_the_class(trees: Trees) -> None:
    """The clock rate in /proc/cpuinfo changes every second, and is not read."""
    before = machine_class(read_machine(*trees))
    cpuinfo = trees[0] / "cpuinfo"
    clock = "cpu MHz\t\t: 1200.1\nbogomips\t: 5192.27\n"
    cpuinfo.write_text(clock + cpuinfo.read_text(encoding="utf-8"), encoding="utf-8")
    assert machine_class(read_machine(*trees)) == before


@pytest.mark.parametrize(
    "other",
    [
        replace(_MACHINE, architecture="arm64"),
        replace(_MACHINE, allowed_cores=4),
        replace(_MACHINE, cpu_quota_cores=1.5),
        replace(_MACHINE, instruction_sets=("avx512", "vnni")),
        replace(_MACHINE, instruction_sets=("avx2",)),
        replace(_MACHINE, physical_memory_bytes=33 * _GIB),
        replace(_MACHINE, memory_limit_bytes=8 * _GIB),
    ],
)
def test_machines_that_differ_have_another_class(other: Machine) -> None:
    """Another architecture, number of cores, instruction set or memory band is seen."""
    assert machine_class(other) != machine_class(_MACHINE)


@given(memory_bytes=st.integers(1, 2**50))
def test_memory_lies_in_its_band(memory_bytes: int) -> None:
    """A band ends at a power of two in GiB, inclusive, and begins at half of that."""
    name = machine_class(replace(_MACHINE, physical_memory_bytes=memory_bytes))
    low, high = (int(n) for n in name.rpartition("-")[2].removesuffix("GiB").split("to"))
    assert low * _GIB < memory_bytes <= high * _GIB
    assert high & (high - 1) == 0
    assert low == high // 2


def test_a_machine_and_a_container_of_the_same_size_share_a_class() -> None:
    """A 16 GiB machine reports 15.6 GiB; a container with a 16 GiB limit is alike."""
    machine = replace(_MACHINE, physical_memory_bytes=int(15.6 * _GIB))
    container = replace(_MACHINE, memory_limit_bytes=16 * _GIB)
    assert machine_class(machine) == machine_class(container)


def test_this_machine_can_be_read() -> None:
    """The facts about this machine are complete and survive JSON."""
    machine, info = read_machine(), machine_info()
    assert machine.usable_cores > 0
    assert machine.memory_bytes > 0
    assert json.loads(json.dumps(info)) == info
    assert info["machine_class"] == machine_class() == machine_class(machine)
    assert info["kernel"] == platform.release()
