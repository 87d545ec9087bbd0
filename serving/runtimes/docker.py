"""A server in a container: the same image everywhere, with limits and no privileges.

The program runs as another user than root, without any capability, on a root file
system that it cannot write, with one writable folder in memory. Its ports are published
on loopback alone, at numbers that the engine chooses. The container carries the
session's label, by which a later run finds what a killed run left behind.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import psutil
import requests
from docker.errors import APIError, DockerException
from docker.types import LogConfig, Mount
from docker.utils import parse_bytes

from serving.errors import ConfigError, ServerError
from serving.runtimes.base import (
    FOLDER_PREFIX,
    REQUIREMENTS,
    SESSION_LABEL,
    Placement,
    Program,
)
from serving.runtimes.container import (
    ENGINE_FAULTS,
    NO_ENGINE,
    LaunchedContainer,
    connect,
    how_it_ended,
    in_short,
    last_lines,
    remove,
)
from serving.runtimes.image import Image, ImageSource
from serving.runtimes.ports import LOOPBACK, refuse_held_port

_HOME = "/srv/home"
_SCRATCH = "/tmp"  # noqa: S108 -- a folder of the container, which nobody shares
_SCRATCH_BYTES = 4 * 1024**3  # an upper bound: what is written counts as memory
_PYTHON = "/opt/serve/bin/python"
_USER = "10001:10001"
_FIRST_PORT = 8080
_PROCESSES = 4096
_TAIL_LINES = 40
_PREFIX = "serving-perf-"
_ENGINE = frozenset({"dockerd", "containerd"})
_PROBE_S = 3
_ANSWER_S = 15
_BUILD_ANSWER_S = 60


class DockerRuntime:
    """Runs programs in containers. `port` fixes this machine's port for the first name."""

    name = "docker"

    def __init__(  # noqa: PLR0913 -- one keyword for each option of a container
        self,
        session: str,
        *,
        port: int = 0,
        base: str | None = None,
        wheels: Path | None = None,
        cpus: float | None = None,
        memory: str | None = None,
    ) -> None:
        """Label everything that is started with `session`; nothing is built yet.

        `base` and `wheels` make the image (see ImageSource). `cpus` is a number of cores
        and `memory` a size such as 8g; None is no limit. Raises ConfigError where
        `memory` is no size.
        """
        self._session = session
        self._port = port
        self._source = ImageSource(base=base, wheels=wheels)
        self._cpus = cpus
        self._memory_bytes = None if memory is None else _size_bytes(memory)
        self._images: dict[tuple[str, ...], Image] = {}

    @staticmethod
    def unavailable() -> str | None:
        """Return None where an engine answers within 3 s, else why not, in a few words."""
        try:
            DockerRuntime.require_engine()
        except ConfigError as error:
            return str(error).removeprefix(NO_ENGINE)
        return None

    @staticmethod
    def require_engine() -> None:
        """Raise ConfigError where no engine for Linux containers answers within 3 s."""
        with contextlib.closing(connect(_PROBE_S)) as client:
            system = client.version().get("Os")
        if system != "linux":
            raise ConfigError(f"{NO_ENGINE}the engine runs {system} containers, not Linux")

    @staticmethod
    def reap(is_alive: Callable[[str], bool]) -> list[str]:
        """Remove containers whose label names a run that is no longer alive.

        Returns their names. Raises ConfigError where no engine answers.
        """
        removed = []
        with contextlib.closing(connect(_ANSWER_S)) as client:
            ours = client.api.containers(all=True, filters={"label": SESSION_LABEL})
            for container in ours:
                if not is_alive(container["Labels"][SESSION_LABEL]):
                    remove(client, container["Id"])
                    removed.append(str(container["Names"][0]).lstrip("/"))
        return removed

    def image(self, requirements: tuple[str, ...] = (REQUIREMENTS,)) -> Image:
        """Return the server's image, after building it (minutes) where it is missing.

        `requirements` are as a Program's. `launch` calls this; call it before to have the
        wait where it is expected. Raises ConfigError where no engine answers, ServerError
        where building fails.
        """
        if requirements not in self._images:
            with contextlib.closing(connect(_BUILD_ANSWER_S)) as client:
                made = self._source.ensure(client, requirements)
            self._images[requirements] = made
        return self._images[requirements]

    def helper_pids(self) -> tuple[int, ...]:
        """Return the engine's processes, which forward the ports and write the logs.

        They are told by their names, and are nobody's where the engine is elsewhere.
        """
        found = psutil.process_iter(["name"])
        return tuple(process.pid for process in found if process.info["name"] in _ENGINE)

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Give out the container's own paths and ports, which never collide."""
        if self._port:
            refuse_held_port(self._port)
        return Placement(
            bind_host="0.0.0.0",  # noqa: S104 -- of the container, published on loopback
            home=_HOME,
            scratch=_SCRATCH,
            ports={name: _FIRST_PORT + i for i, name in enumerate(ports)},
            python=_PYTHON,
        )

    def launch(self, placement: Placement, program: Program) -> LaunchedContainer:
        """Start the program in a container of its own; see the Protocol.

        Raises ConfigError where no engine answers, where a limit is impossible, or
        where a stranger took the fixed port since `place`.
        """
        image = self.image(program.requirements)
        name = f"{_PREFIX}{uuid.uuid4().hex[:12]}"
        with contextlib.ExitStack() as undo:
            folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            client = undo.enter_context(contextlib.closing(connect(_ANSWER_S)))
            # By name: an interruption may come before the engine tells the id.
            undo.callback(remove, client, name)
            try:
                facts = self._facts(client, image, program)
                settings = self._settings(placement, program, folder)
                client.containers.create(image.id, name=name, **settings)
                client.api.start(name)
                seen = client.api.inspect_container(name)
            except ENGINE_FAULTS as error:
                raise self._refused(error) from None
            except OSError as error:
                raise ServerError(f"the server could not be started: {error}") from None
            died = how_it_ended(seen["State"])
            if died is not None:  # and its ports are unknown for ever
                raise ServerError(
                    f"the server died at once ({died})",
                    log_tail=last_lines(client, name, _TAIL_LINES),
                )
            return LaunchedContainer(client, seen, placement, facts, undo.pop_all())

    def _settings(
        self, placement: Placement, program: Program, folder: Path
    ) -> dict[str, Any]:
        """Return what the engine is told about the container, beside image and name."""
        own = {"HOME": placement.scratch, "TMPDIR": placement.scratch}
        # Executable: Java unpacks its native libraries there.
        options = f"rw,exec,nosuid,nodev,mode=1777,size={_SCRATCH_BYTES}"
        return {
            "entrypoint": [program.argv[0]],
            "command": list(program.argv[1:]),
            "environment": {**own, **program.env},
            "labels": {SESSION_LABEL: self._session},
            "ports": self._published(placement),
            "mounts": _mounts(placement.home, program.files, folder),
            "working_dir": placement.scratch,
            "user": _USER,
            "read_only": True,
            "tmpfs": {placement.scratch: options},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "pids_limit": _PROCESSES,
            "nano_cpus": None if self._cpus is None else round(self._cpus * 1e9),
            "mem_limit": self._memory_bytes,
            "memswap_limit": self._memory_bytes,  # the same: none of it is swap
            "init": True,
            # Named, for the engine's default may be one that cannot be read back.
            "log_config": LogConfig(type="json-file", config={"max-size": "32m"}),
        }

    def _published(self, placement: Placement) -> dict[str, tuple[str, int | None]]:
        """Return where each port is published; None lets the engine choose."""
        fixed = iter([self._port or None])
        return {
            f"{number}/tcp": (LOOPBACK, next(fixed, None))
            for number in placement.ports.values()
        }

    def _facts(
        self, client: docker.DockerClient, image: Image, program: Program
    ) -> dict[str, str]:
        facts = {
            "image": image.tag,
            "image_digest": image.id,
            "engine": f"Docker {client.version()['Version']}",
            "limit_cpus": "none" if self._cpus is None else f"{self._cpus:g}",
            "limit_memory_bytes": str(self._memory_bytes or "none"),
        }
        if program.needs_java:
            facts["java"] = self._source.java
        return facts

    def _refused(self, error: Exception) -> ConfigError | ServerError:
        reason = in_short(error)
        if self._port and ("already allocated" in reason or "already in use" in reason):
            return ConfigError(
                f"--perf-port {self._port}: the port is held by another program; "
                "choose another, or leave the option out"
            )
        if isinstance(error, APIError) and error.status_code == requests.codes.bad_request:
            return ConfigError(
                f"the Docker engine refused the container ({reason}): "
                "its limits are --perf-docker-cpus and --perf-docker-memory"
            )
        return ServerError(f"the Docker engine did not start the container: {reason}")


def _size_bytes(text: str) -> int:
    with contextlib.suppress(DockerException):
        size = int(parse_bytes(text))
        if size > 0:
            return size
    raise ConfigError(f"--perf-docker-memory {text}: not a size such as 512m or 8g")


def _mounts(home: str, files: Mapping[str, str | Path], folder: Path) -> list[Mount]:
    """Return one read-only mount for each file; `folder` takes what must be written.

    The container's user is a stranger here: a file that not everybody may read is
    copied. Nobody else looks into `folder`, which only its owner may enter.
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
