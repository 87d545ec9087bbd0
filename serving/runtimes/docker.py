"""A server in a container: the same image everywhere, with limits and no privileges.

The program does not run as root and has no capabilities. It cannot write the root file
system, except for one folder in memory. Its ports are published on loopback only, at
numbers that the Docker engine chooses. The container carries the session's label, by which
a later run finds what a killed run has left.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import psutil
import requests
from docker.errors import APIError

from serving.errors import ConfigError, ServerError
from serving.runtimes.base import (
    FOLDER_PREFIX,
    REQUIREMENTS,
    SESSION_LABEL,
    Placement,
    Program,
)
from serving.runtimes.container import (
    DOCKER_ERRORS,
    NO_DOCKER,
    LaunchedContainer,
    connect,
    how_it_ended,
    in_short,
    last_lines,
    remove,
)
from serving.runtimes.image import Image, ImageSource
from serving.runtimes.ports import refuse_held_port
from serving.runtimes.sandbox import Sandbox, size_bytes
from serving.temporary import naming_tmpdir

_HOME = "/srv/home"
_SCRATCH = "/tmp"  # noqa: S108 -- the container's own folder, not shared
_PYTHON = "/opt/serve/bin/python"
_FIRST_PORT = 8080
_TAIL_LINES = 40
_PREFIX = "serving-perf-"
_DAEMONS = frozenset({"dockerd", "containerd"})
_PROBE_S = 3
_ANSWER_S = 15
_BUILD_ANSWER_S = 60


class DockerRuntime:
    """Runs programs in containers. `port` fixes the first port on this machine."""

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
        """Label everything that is started with `session`. Nothing is built yet.

        `base` and `wheels` make the image (see ImageSource). `cpus` is a number of cores
        and `memory` a size such as 8g; None is no limit. Raises ConfigError where `memory`
        is no size.
        """
        self._port = port
        self._source = ImageSource(base=base, wheels=wheels)
        self._sandbox = Sandbox(
            session=session,
            port=port,
            cpus=cpus,
            memory_bytes=None if memory is None else size_bytes(memory),
        )
        self._images: dict[tuple[tuple[str, ...], str | None], Image] = {}

    @staticmethod
    def unavailable() -> str | None:
        """Return None where a Docker engine answers within 3 s, else in short why not."""
        try:
            DockerRuntime.require_engine()
        except ConfigError as error:
            return str(error).removeprefix(NO_DOCKER)
        return None

    @staticmethod
    def require_engine() -> None:
        """Raise ConfigError unless a Docker engine for Linux answers within 3 s."""
        with contextlib.closing(connect(_PROBE_S)) as client:
            try:
                system = client.version().get("Os")
            except DOCKER_ERRORS as error:
                raise ConfigError(f"{NO_DOCKER}{in_short(error)}") from None
        if system != "linux":
            raise ConfigError(
                f"{NO_DOCKER}the Docker engine runs {system} containers, not Linux"
            )

    @staticmethod
    def reap(is_alive: Callable[[str], bool]) -> list[str]:
        """Remove the containers of runs that are no longer alive; return their names.

        `is_alive` is called with a container's session label. Raises ConfigError where no
        Docker engine answers.
        """
        removed = []
        with contextlib.closing(connect(_ANSWER_S)) as client:
            try:
                ours = client.api.containers(all=True, filters={"label": SESSION_LABEL})
            except DOCKER_ERRORS as error:
                raise ConfigError(f"{NO_DOCKER}{in_short(error)}") from None
            for container in ours:
                if not is_alive(container["Labels"][SESSION_LABEL]):
                    remove(client, container["Id"])
                    removed.append(str(container["Names"][0]).lstrip("/"))
        return removed

    def image(
        self,
        requirements: tuple[str, ...] = (REQUIREMENTS,),
        base_image: str | None = None,
    ) -> Image:
        """Return the server's image, and build it (minutes) where it is missing.

        The arguments are those of a Program. `launch` calls this; call it before to wait at
        a better moment. Raises ConfigError where no Docker engine answers, and ServerError
        where building fails.
        """
        key = (requirements, base_image)
        if key not in self._images:
            with contextlib.closing(connect(_BUILD_ANSWER_S)) as client:
                self._images[key] = self._source.ensure(client, requirements, base_image)
        return self._images[key]

    def helper_pids(self) -> tuple[int, ...]:
        """Return the Docker engine's processes, which forward ports and write logs.

        They are found by name; there are none where the Docker engine runs elsewhere.
        """
        found = psutil.process_iter(["name"])
        return tuple(process.pid for process in found if process.info["name"] in _DAEMONS)

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Return the container's own paths and ports, which never collide with others."""
        if self._port:
            refuse_held_port(self._port)
        return Placement(
            bind_host="0.0.0.0",  # noqa: S104 -- the container's; published on loopback only
            home=_HOME,
            scratch=_SCRATCH,
            ports={name: _FIRST_PORT + i for i, name in enumerate(ports)},
            python=_PYTHON,
        )

    def launch(self, placement: Placement, program: Program) -> LaunchedContainer:
        """Start the program in a container of its own; see the Protocol.

        Raises ConfigError where no Docker engine answers, where a limit is impossible, or
        where another program took the fixed port since `place`.
        """
        image = self.image(program.requirements, program.base_image)
        name = f"{_PREFIX}{uuid.uuid4().hex[:12]}"
        with contextlib.ExitStack() as undo:
            with naming_tmpdir():
                folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            client = undo.enter_context(contextlib.closing(connect(_ANSWER_S)))
            # By name, because an interrupt may come before the id is known.
            undo.callback(remove, client, name)
            try:
                facts = self._facts(client, image, program)
                options = self._sandbox.options(placement, program, folder)
                client.containers.create(image.id, name=name, **options)
                client.api.start(name)
                seen = client.api.inspect_container(name)
            except DOCKER_ERRORS as error:
                raise self._refused(error) from None
            except OSError as error:
                raise ServerError(f"the server could not be started: {error}") from None
            died = how_it_ended(seen["State"])
            if died is not None:  # its ports can no longer be asked for
                raise ServerError(
                    f"the server died at once ({died})",
                    log_tail=last_lines(client, name, _TAIL_LINES),
                )
            return LaunchedContainer(client, seen, placement, facts, undo.pop_all())

    def _facts(
        self, client: docker.DockerClient, image: Image, program: Program
    ) -> dict[str, str]:
        facts = {
            "image": image.tag,
            "image_digest": image.id,
            "engine": f"Docker {client.version()['Version']}",
            **self._sandbox.describe(),
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
