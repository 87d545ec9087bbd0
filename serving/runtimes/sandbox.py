"""What a container may do: its limits, ports and mounts, as the Docker SDK takes them."""

from __future__ import annotations

import contextlib
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from docker.types import LogConfig, Mount
from docker.utils import parse_bytes

from serving.errors import ConfigError
from serving.runtimes.base import SESSION_LABEL, Placement, Program
from serving.runtimes.ports import LOOPBACK

_USER = "10001:10001"
_SCRATCH_BYTES = 4 * 1024**3  # an upper limit: written files count as memory
_LEAST_BYTES = 6 * 1024**2  # a Docker engine refuses less, but only after minutes
_PROCESSES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What all containers of one session have in common."""

    session: str
    """The label's value."""
    port: int = 0
    """This machine's number for each program's first port; 0 for any."""
    cpus: float | None = None
    """The number of cores; None is no limit."""
    memory_bytes: int | None = None
    """None is no limit."""

    def options(
        self, placement: Placement, program: Program, folder: Path
    ) -> dict[str, Any]:
        """Return the Docker SDK's arguments for a container, besides image and name.

        `folder` takes the files that must be written for it. Raises OSError where one
        cannot be written.
        """
        own = {"HOME": placement.scratch, "TMPDIR": placement.scratch}
        # Executable, because Java unpacks its native libraries there.
        scratch = f"rw,exec,nosuid,nodev,mode=1777,size={_SCRATCH_BYTES}"
        return {
            "entrypoint": [program.argv[0]],
            "command": list(program.argv[1:]),
            "environment": {**own, **program.env},
            "labels": {SESSION_LABEL: self.session},
            "ports": self._published(placement),
            "mounts": _mounts(placement.home, program.files, folder),
            "working_dir": placement.scratch,
            "user": _USER,
            "read_only": True,
            "tmpfs": {placement.scratch: scratch},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "pids_limit": _PROCESSES,
            "nano_cpus": None if self.cpus is None else round(self.cpus * 1e9),
            "mem_limit": self.memory_bytes,
            "memswap_limit": self.memory_bytes,  # the same number: no swap
            "init": True,
            # Explicit, because not every log driver's output can be read back.
            "log_config": LogConfig(type="json-file", config={"max-size": "32m"}),
        }

    def describe(self) -> dict[str, str]:
        """Return the limits as a report names them."""
        return {
            "limit_cpus": "none" if self.cpus is None else f"{self.cpus:g}",
            "limit_memory_bytes": str(self.memory_bytes or "none"),
        }

    def _published(self, placement: Placement) -> dict[str, tuple[str, int | None]]:
        """Return where each port is published; None lets the Docker engine choose."""
        fixed = iter([self.port or None])
        return {
            f"{number}/tcp": (LOOPBACK, next(fixed, None))
            for number in placement.ports.values()
        }


def size_bytes(text: str) -> int:
    """Return the bytes of a size such as 8g.

    Raises ConfigError where it is not a size, or less than a container must have.
    """
    size = 0
    with contextlib.suppress(DockerException, ValueError, OverflowError):
        size = int(parse_bytes(text))
    if size < 1:
        raise ConfigError(f"--perf-docker-memory {text}: not a size such as 512m or 8g")
    if size < _LEAST_BYTES:
        raise ConfigError(f"--perf-docker-memory {text}: a container needs at least 6m")
    return size


def _mounts(home: str, files: Mapping[str, str | Path], folder: Path) -> list[Mount]:
    """Return one read-only mount for each file; `folder` takes those that are written.

    The container's user is another one than ours, so a file that not everybody may read
    is copied. Only we may enter `folder`.
    """
    mounts = []
    for number, (name, content) in enumerate(files.items()):
        if isinstance(content, Path) and content.stat().st_mode & stat.S_IROTH:
            source = content.resolve()
        else:
            source = folder / str(number)
            if isinstance(content, Path):
                shutil.copyfile(content, source)
            else:
                source.write_text(content, encoding="utf-8")
            source.chmod(0o644)
        mounts.append(Mount(f"{home}/{name}", str(source), type="bind", read_only=True))
    return mounts
