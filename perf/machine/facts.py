"""Facts about this machine, and its class: a baseline applies to one machine class."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_GIB = 1024**3

_ARCHITECTURES = {"aarch64": "arm64", "AMD64": "x86_64"}

# What tells one CPU from another of the same name, on x86 and on Arm: the word that is
# shown, and the key in /proc/cpuinfo.
_CPU_NUMBERS = {
    "family": "cpu family",
    "model": "model",
    "implementer": "CPU implementer",
    "part": "CPU part",
}

# oneDNN, and so torch and OpenVINO, choose their kernels by these instruction sets. A
# machine has the first level of which it has all flags, and every extra of which it has
# any flag. The flags are those of /proc/cpuinfo.
_Sets = tuple[tuple[str, frozenset[str]], ...]
_X86_LEVELS: _Sets = (
    ("avx512", frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})),
    ("avx2", frozenset({"avx2"})),
    ("sse4_2", frozenset({"sse4_2"})),
)
_X86_EXTRAS: _Sets = (
    ("vnni", frozenset({"avx512_vnni", "avx_vnni"})),
    ("bf16", frozenset({"avx512_bf16"})),
    ("amx", frozenset({"amx_bf16", "amx_int8"})),
)
_ARM_LEVELS: _Sets = (("neon", frozenset({"asimd"})),)
_ARM_EXTRAS: _Sets = (
    ("dotprod", frozenset({"asimddp"})),
    ("bf16", frozenset({"bf16"})),
    ("sve", frozenset({"sve"})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine, as far as this process may use it."""

    architecture: str

    cpu_model: str
    """The CPU's name and numbers: hosts may give all generations of it one name."""

    kernel: str
    """The kernel's release."""

    allowed_cores: int
    """How many cores this process may be scheduled on."""

    cpu_quota_cores: float | None
    """The container's CPU quota, in cores; None without one."""

    physical_memory_bytes: int

    memory_limit_bytes: int | None
    """The container's memory limit; None without one below the physical memory."""

    instruction_sets: tuple[str, ...]
    """The sets that engines use: the level, then the extras."""

    @property
    def usable_cores(self) -> float:
        """How many cores this process and its children can use together."""
        return float(min(self.cpu_quota_cores or self.allowed_cores, self.allowed_cores))

    @property
    def memory_bytes(self) -> int:
        """How much memory this process and its children can use."""
        limit = self.memory_limit_bytes
        return self.physical_memory_bytes if limit is None else limit


def machine_info(machine: Machine | None = None) -> dict[str, object]:
    """Return the facts about `machine`, or about this machine, ready for JSON."""
    machine = machine or read_machine()
    return {
        "machine_class": machine_class(machine),
        "usable_cores": machine.usable_cores,
        "memory_bytes": machine.memory_bytes,
        **asdict(machine),
        "instruction_sets": list(machine.instruction_sets),
    }


def machine_class(machine: Machine | None = None) -> str:
    """Return the class of `machine`, or of this machine.

    Machines of one class may share a baseline. They have the same architecture, number of
    usable cores (to a tenth) and instruction sets that engines use, and memory up to the
    same power of two. An example is x86_64-2cpu-avx512+vnni+bf16-16to32GiB.
    """
    machine = machine or read_machine()
    cores = f"{round(machine.usable_cores, 1):g}cpu"
    sets = "+".join(machine.instruction_sets)
    return f"{machine.architecture}-{cores}-{sets}-{_memory_band(machine.memory_bytes)}"


def read_machine(proc: Path = _PROC, cgroup: Path = _CGROUP) -> Machine:
    """Return the facts about this machine, and the limits of this process's container.

    They are read from the kernel's folders `proc` and `cgroup`. Outside Linux these do not
    exist: then psutil is asked, and only the instruction sets that the architecture implies
    are known.
    """
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    # py-cpuinfo reads the same file, but also starts a process for CPUID, which takes a
    # thousand times as long.
    cpuinfo = _text(proc / "cpuinfo")
    flags = set(_cpuinfo_line(cpuinfo, "flags|Features").split())
    physical = _physical_memory_bytes(proc)
    limits = [x for x in _memory_limits_bytes(proc, cgroup) if x < physical]
    return Machine(
        architecture=architecture,
        cpu_model=_cpu_model(cpuinfo),
        kernel=platform.release(),
        allowed_cores=len(allowed_cores()),
        cpu_quota_cores=min(_cpu_quotas_cores(proc, cgroup), default=None),
        physical_memory_bytes=physical,
        memory_limit_bytes=min(limits, default=None),
        instruction_sets=_instruction_sets(architecture, flags),
    )


def _memory_band(memory_bytes: int) -> str:
    # A band includes its upper end: the kernel of a 16 GiB machine reports 15.6 GiB, and
    # the machine belongs to the same class as a container with a limit of 16 GiB.
    upper = max(1, 2 ** math.ceil(math.log2(max(memory_bytes, 1) / _GIB)))
    return f"{upper // 2}to{upper}GiB"


def _instruction_sets(architecture: str, flags: set[str]) -> tuple[str, ...]:
    if architecture == "arm64":
        levels, extras, least = _ARM_LEVELS, _ARM_EXTRAS, "neon"
    else:
        levels, extras, least = _X86_LEVELS, _X86_EXTRAS, "baseline"
    level = next((name for name, needed in levels if needed <= flags), least)
    return (level, *(name for name, any_of in extras if any_of & flags))


def allowed_cores() -> frozenset[int]:
    """Return the numbers of the cores that this process may be scheduled on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _physical_memory_bytes(proc: Path) -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(proc / "meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else int(psutil.virtual_memory().total)


def _cpu_quotas_cores(proc: Path, cgroup: Path) -> Iterator[float]:
    for folder in cgroup_folders(proc, cgroup, "cpu"):
        v1 = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        for quota, period in (v1, _text(folder / "cpu.max").split() or ("", "")):
            if quota.strip().isdecimal():  # without a limit it is -1 (v1) or max (v2)
                yield int(quota) / int(period)


def _memory_limits_bytes(proc: Path, cgroup: Path) -> Iterator[int]:
    for folder in cgroup_folders(proc, cgroup, "memory"):
        for name in ("memory.limit_in_bytes", "memory.max"):
            limit = _text(folder / name).strip()
            if limit.isdecimal():  # without a limit it is max (v2), or huge (v1)
                yield int(limit)


def cgroup_folders(proc: Path, cgroup: Path, controller: str) -> Iterator[Path]:
    """Yield the cgroup folders of this process, from the root down; all their limits hold.

    A line of /proc/self/cgroup is hierarchy:controllers:path (cgroups(7)). Version 2 has
    hierarchy 0 and no controllers. Inside a container the path may be that of the host,
    which does not exist here. Then the root holds the container's limits.
    """
    for line in _text(proc / "self" / "cgroup").splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            root = cgroup / controller
            if not root.is_dir():
                root = cgroup / controllers
        elif hierarchy == "0" and not controllers:
            root = cgroup
        else:
            continue
        folder = root
        yield folder
        for name in Path(path).parts[1:]:
            if name == "..":
                break  # this process is outside the tree that is mounted here
            folder /= name
            yield folder


def _cpu_model(cpuinfo: str) -> str:
    name = _cpuinfo_line(cpuinfo, "model name") or platform.processor() or "unknown"
    numbers = [
        f"{word} {number}"
        for word, key in _CPU_NUMBERS.items()
        if (number := _cpuinfo_line(cpuinfo, key))
    ]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def _cpuinfo_line(cpuinfo: str, keys: str) -> str:
    found = re.search(rf"^(?:{keys})[ \t]*:[ \t]*(.*)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else ""


def _text(path: Path) -> str:
    """Return the file's text, or the empty string where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
