"""One container that was started, and what the Docker engine tells of it."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import psutil
import requests
from docker.errors import DockerException, NotFound

from serving.errors import ConfigError, ServerError
from serving.runtimes.base import Placement
from serving.runtimes.ports import LOOPBACK

DOCKER_ERRORS = (DockerException, requests.RequestException)
NO_DOCKER = "--perf-runtime docker: "

_LAST_LINES = 2000
_KILLED = 137
_LEARNS_S = 2.0  # how long the Docker engine may take to learn why a program was killed
_LOOK_EVERY_S = 0.1
_SHIM = "containerd-shim"


def connect(timeout_s: int) -> docker.DockerClient:
    """Return a client that waits `timeout_s` for each answer. The caller closes it.

    Raises ConfigError where no Docker engine answers.
    """
    with warnings.catch_warnings():
        # The SDK does not close the socket of a connection that failed.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return docker.DockerClient.from_env(timeout=timeout_s)
        except (*DOCKER_ERRORS, ValueError, OSError) as error:
            why = _why(error)
            if os.environ.get("DOCKER_HOST"):
                why += "; see DOCKER_HOST"
            _drop_locals(error)
    raise ConfigError(f"{NO_DOCKER}{why}")


def in_short(error: Exception) -> str:
    """Return the Docker engine's message for an error, or else the SDK's."""
    return str(getattr(error, "explanation", None) or error).strip()


def remove(client: docker.DockerClient, name: str) -> None:
    """Kill a container and remove it; does nothing where there is none.

    It is killed at once, because nothing in it needs to be kept. Raises ServerError where
    the Docker engine fails to do it.
    """
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return
    except DOCKER_ERRORS as error:
        if "already in progress" in in_short(error):
            return
        raise ServerError(
            f"the container {name} could not be removed: {in_short(error)}"
        ) from None


def how_it_ended(state: Mapping[str, Any]) -> str | None:
    """Return None where the state is that of a running container, else why it ended."""
    if state["Running"]:
        return None
    memory = ", killed at its memory limit" if state["OOMKilled"] else ""
    return f"exit code {state['ExitCode']}{memory}"


def last_lines(client: docker.DockerClient, name: str, lines: int) -> str:
    """Return the end of a container's output; empty where it cannot be read."""
    try:
        output: bytes = client.api.logs(name, tail=lines)
    except DOCKER_ERRORS:
        return ""
    return output.decode("utf-8", "replace").strip()


class LaunchedContainer:
    """A container that was started. It stays after its death, until `stop`."""

    def __init__(
        self,
        client: docker.DockerClient,
        seen: Mapping[str, Any],
        placement: Placement,
        facts: Mapping[str, str],
        undo: contextlib.ExitStack,
    ) -> None:
        """Take over a container. `seen` is how it was inspected; `undo` removes it."""
        self._client = client
        self._id = str(seen["Id"])
        self._published = seen["NetworkSettings"]["Ports"]
        self._placement = placement
        self._facts = facts
        self._undo = undo
        self._last_words: list[str] | None = None
        self._roots: tuple[int, ...] = ()

    def address(self, port: str) -> tuple[str, int]:
        """Return loopback and the port that the Docker engine chose."""
        (binding,) = self._published[f"{self._placement.ports[port]}/tcp"]
        return LOOPBACK, int(binding["HostPort"])

    def exit_reason(self) -> str | None:
        """Return None while the Docker engine says that the container runs."""
        if self._last_words is not None:
            return "stopped"
        try:
            state = self._settled_state()
        except NotFound:
            return "the container was removed by another program"
        except DOCKER_ERRORS as error:
            return f"the Docker engine no longer answers: {type(error).__name__}"
        return how_it_ended(state)

    def _settled_state(self) -> Mapping[str, Any]:
        """Return the state; that the memory limit was reached may be known later."""
        limit_s = time.monotonic() + _LEARNS_S
        while True:
            state = self._state()
            is_told = state["Running"] or state["OOMKilled"] or state["ExitCode"] != _KILLED
            if is_told or time.monotonic() > limit_s:
                return state
            time.sleep(_LOOK_EVERY_S)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of the program's output; after `stop` at most 2000."""
        if self._last_words is not None:
            return "\n".join(self._last_words[-lines:])
        return last_lines(self._client, self._id, lines)

    def root_pids(self) -> tuple[int, ...]:
        """Return the container's shim, where this machine sees it.

        The shim started the container's first process and forwards its output. Where the
        Docker engine does not answer this once, it is what it was before: without it, the
        server's CPU time would count for nobody, and later for others.
        """
        try:
            pid = int(self._state()["Pid"])
        except NotFound:
            self._roots = ()
        except DOCKER_ERRORS:
            return self._roots
        else:
            self._roots = self._roots_of(pid)
        return self._roots

    def _roots_of(self, pid: int) -> tuple[int, ...]:
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        except OSError:
            return ()
        if self._id not in groups:
            return ()  # a number of another process namespace means another process here
        with contextlib.suppress(psutil.Error):
            shim = psutil.Process(pid).parent()
            if shim is not None and shim.name().startswith(_SHIM):
                return (shim.pid,)
        return (pid,)

    def describe(self) -> Mapping[str, str]:
        """Return the image's name and digest, the Docker engine's version, the limits."""
        return self._facts

    def stop(self) -> None:
        """Keep the end of the log, then remove the container and its files."""
        if self._last_words is None:
            self._last_words = self.log_tail(_LAST_LINES).splitlines()
        self._undo.close()

    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self._client.api.inspect_container(self._id)["State"]
        return state


def _why(error: BaseException) -> str:
    """Return in a few words why no Docker engine answered."""
    text = str(error)
    if "PermissionError" in text:
        return "this user may not use the Docker engine's socket"
    if "FileNotFoundError" in text or "ConnectionRefusedError" in text:
        return "no Docker engine runs here"
    if "timed out" in text.lower():
        return "the Docker engine does not answer in time"
    return f"no Docker engine can be reached: {text}"


def _drop_locals(error: BaseException | None) -> None:
    """Free the objects that the frames of an error and its causes keep alive."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
