"""One container that was started, and what is asked of the engine about it."""

from __future__ import annotations

import contextlib
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

ENGINE_FAULTS = (DockerException, requests.RequestException)
NO_ENGINE = "--perf-runtime docker: "

_LAST_LINES = 200
_SHIM = "containerd-shim"


def connect(timeout_s: int) -> docker.DockerClient:
    """Return a client that waits `timeout_s` for each answer; the caller closes it.

    Raises ConfigError where no engine answers.
    """
    with warnings.catch_warnings():
        # The SDK forgets to close the socket of a connection that failed.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return docker.DockerClient.from_env(timeout=timeout_s)
        except (*ENGINE_FAULTS, ValueError, OSError) as error:
            why = _why(error)
            _drop_locals(error)
    raise ConfigError(f"{NO_ENGINE}{why}")


def in_short(error: Exception) -> str:
    """Return the engine's own words for what it refused, or else the SDK's."""
    return str(getattr(error, "explanation", None) or error).strip()


def remove(client: docker.DockerClient, name: str) -> None:
    """Kill a container and remove it; does nothing where there is none.

    It is killed at once: it holds nothing worth an orderly end. Raises ServerError
    where the engine does not do it.
    """
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return
    except ENGINE_FAULTS as error:
        if "already in progress" in in_short(error):
            return
        raise ServerError(
            f"the container {name} could not be removed: {in_short(error)}"
        ) from None


def how_it_ended(state: Mapping[str, Any]) -> str | None:
    """Return None for the state of a container that runs, else why it does not."""
    if state["Running"]:
        return None
    memory = ", killed at its memory limit" if state["OOMKilled"] else ""
    return f"exit code {state['ExitCode']}{memory}"


def last_lines(client: docker.DockerClient, name: str, lines: int) -> str:
    """Return the end of a container's output, empty where the engine has none."""
    try:
        output: bytes = client.api.logs(name, tail=lines)
    except ENGINE_FAULTS:
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
        """Take over the container as it was `seen`; `undo` ends everything, once."""
        self._client = client
        self._id = str(seen["Id"])
        self._published = seen["NetworkSettings"]["Ports"]
        self._placement = placement
        self._facts = facts
        self._undo = undo
        self._last_words: list[str] | None = None

    def address(self, port: str) -> tuple[str, int]:
        """Return loopback and the number that the engine chose."""
        (binding,) = self._published[f"{self._placement.ports[port]}/tcp"]
        return LOOPBACK, int(binding["HostPort"])

    def exit_reason(self) -> str | None:
        """Return None while the engine says that the container runs."""
        if self._last_words is not None:
            return "stopped"
        try:
            state = self._state()
        except NotFound:
            return "the container was removed by somebody else"
        except ENGINE_FAULTS as error:
            return f"the Docker engine no longer answers: {type(error).__name__}"
        return how_it_ended(state)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of the program's output; at most 200 after `stop`."""
        if self._last_words is not None:
            return "\n".join(self._last_words[-lines:])
        return last_lines(self._client, self._id, lines)

    def root_pids(self) -> tuple[int, ...]:
        """Return the container's shim, where this machine sees it.

        The shim started the container's first process and carries what it writes.
        """
        try:
            pid = int(self._state()["Pid"])
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        except (*ENGINE_FAULTS, OSError):
            return ()
        if self._id not in groups:
            return ()  # of another process namespace, where the number is a stranger's
        with contextlib.suppress(psutil.Error):
            shim = psutil.Process(pid).parent()
            if shim is not None and shim.name().startswith(_SHIM):
                return (shim.pid,)
        return (pid,)

    def describe(self) -> Mapping[str, str]:
        """Return the image's name and digest, the engine's version and the limits."""
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
    """Return in a few words why no engine answered."""
    text = str(error)
    if "PermissionError" in text:
        return "this user may not use the Docker engine's socket"
    if "FileNotFoundError" in text or "ConnectionRefusedError" in text:
        return "no Docker engine runs here"
    if "timed out" in text.lower():
        return "the Docker engine does not answer in time"
    return f"no Docker engine can be reached: {text}"


def _drop_locals(error: BaseException | None) -> None:
    """Free what the frames of an error and of its causes still hold."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
