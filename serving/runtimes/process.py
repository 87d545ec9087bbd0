"""A server as a process of this machine.

The server leads a session (setsid) of its own, so that everything it starts can be found
and ended, whatever its process group. It has its own temporary folder. Its environment
carries the session's label, by which a later run finds what a killed run has left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from serving.errors import ServerError
from serving.exit_code import in_words
from serving.runtimes.base import FOLDER_PREFIX, SESSION_VARIABLE, Placement, Program
from serving.runtimes.java import find_java
from serving.runtimes.ports import LOOPBACK, free_ports
from serving.temporary import TemporaryFolderError, naming_tmpdir, temporary_folder

_TERM_S = 8.0
_KILL_S = 8.0
_POLL_S = 0.05
_LONGEST_SOCKET_BYTES = 107  # of the path of a Unix socket; Linux allows no more
_LONGEST_SOCKET = f"/{FOLDER_PREFIX}12345678/scratch/.ts.sock.65535"


class ProcessRuntime:
    """Runs programs as processes. `port` fixes the first port of each placement."""

    name = "process"

    def __init__(self, session: str, *, port: int = 0) -> None:
        """Label everything that is started with `session`."""
        self._session = session
        self._port = port

    @staticmethod
    def require_short_folder() -> None:
        """Raise TemporaryFolderError where the folder's path is too long for sockets."""
        folder = os.fsencode(temporary_folder())
        most = _LONGEST_SOCKET_BYTES - len(_LONGEST_SOCKET)
        if len(folder) > most:
            raise TemporaryFolderError(
                f"TMPDIR {os.fsdecode(folder)}: too long, because servers make Unix "
                f"sockets there; choose a folder whose path has at most {most} bytes"
            )

    def helper_pids(self) -> tuple[int, ...]:
        """Return nothing: a process needs no helpers."""
        return ()

    def place(self, ports: tuple[str, ...]) -> Placement:
        """Make a home and a scratch folder, and choose free ports of loopback."""
        chosen = free_ports(ports, self._port)
        with naming_tmpdir():
            root = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
            for folder in ("home", "scratch"):
                (root / folder).mkdir()
        return Placement(
            bind_host=LOOPBACK,
            home=str(root / "home"),
            scratch=str(root / "scratch"),
            ports=chosen,
            python=sys.executable,
        )

    def launch(self, placement: Placement, program: Program) -> LaunchedProcess:
        """Start the program in a session of its own; see the Protocol."""
        home = Path(placement.home)
        try:
            for name, content in program.files.items():
                if isinstance(content, Path):
                    (home / name).symlink_to(content)
                else:
                    (home / name).write_text(content, encoding="utf-8")
            env = {**os.environ, **program.env, SESSION_VARIABLE: self._session}
            facts = {}
            if program.needs_java:
                java = find_java()
                env["JAVA_HOME"] = str(java.home)
                facts["java"] = f"{java.major} ({java.source})"
            return LaunchedProcess(program.argv, env, placement, facts)
        except OSError as error:
            shutil.rmtree(home.parent, ignore_errors=True)
            raise ServerError(f"the server could not be started: {error}") from None
        except BaseException:
            shutil.rmtree(home.parent, ignore_errors=True)
            raise


class LaunchedProcess:
    """A program that runs as a session of processes of this machine."""

    def __init__(
        self,
        argv: tuple[str, ...],
        env: Mapping[str, str],
        placement: Placement,
        facts: Mapping[str, str],
    ) -> None:
        """Start `argv` in the placement's scratch folder. Raises OSError."""
        self._placement = placement
        self._facts = facts
        self._log = Path(placement.scratch) / "server.log"
        self._stopped = False
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                argv,
                cwd=placement.scratch,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def address(self, port: str) -> tuple[str, int]:
        """Return loopback and the port's number."""
        return LOOPBACK, self._placement.ports[port]

    def exit_reason(self) -> str | None:
        """Return None while the first process lives, else how it ended, in words."""
        code = self._process.poll()
        return None if code is None else in_words(code)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of the server's output."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            return b"".join(deque(log, maxlen=lines)).decode("utf-8", "replace").strip()

    def root_pids(self) -> tuple[int, ...]:
        """Return the server's first process."""
        return (self._process.pid,)

    def describe(self) -> Mapping[str, str]:
        """Return which Java runs the server, if one does."""
        return self._facts

    def stop(self) -> None:
        """End the server, with SIGTERM if that is enough, and remove its folders."""
        if self._stopped:
            return
        try:
            end_session(self._process.pid, reap=self._process.poll)
            self._process.wait()
        except BaseException:  # such as a second signal: then without any patience
            _signal_all(self._process.pid, signal.SIGKILL)
            raise
        finally:
            shutil.rmtree(Path(self._placement.home).parent, ignore_errors=True)
        self._stopped = True


def end_session(sid: int, reap: Callable[[], object] = lambda: None) -> None:
    """End every process of a session: SIGTERM, a grace period, SIGKILL.

    SIGTERM goes first to the leader's group, because a leader may end the others in order,
    and then to those that remain. Stopped processes are continued, so that they receive
    it. `reap` is called while waiting, to collect a leader that is our own child.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(sid, signal.SIGTERM)
    _signal_all(sid, signal.SIGCONT)
    if _until(lambda: sid not in session_members(sid), _TERM_S, reap):
        _signal_all(sid, signal.SIGTERM)
        if _until(lambda: not any(session_members(sid)), _TERM_S, reap):
            return
    _signal_all(sid, signal.SIGKILL)
    _until(lambda: not any(session_members(sid)), _KILL_S, reap)


def _signal_all(sid: int, number: signal.Signals) -> None:
    for pid in session_members(sid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _until(
    happened: Callable[[], bool], patience_s: float, reap: Callable[[], object]
) -> bool:
    """Return whether it happened in time."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        reap()
        if happened():
            return True
        time.sleep(_POLL_S)
    return False


def session_members(sid: int) -> Iterator[int]:
    """Yield the ids of the session's processes that are not zombies."""
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == sid and (process.status() != psutil.STATUS_ZOMBIE):
                yield process.pid
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue


def reap_orphans(is_alive: Callable[[str], bool]) -> list[int]:
    """End the servers of runs that are no longer alive; return the ids of their sessions.

    `is_alive` is called with a process's session label. Any process of a server will do,
    because its first one may be dead.
    """
    ended: list[int] = []
    for process in psutil.process_iter():
        try:
            label = process.environ().get(SESSION_VARIABLE)
            sid = os.getsid(process.pid)
        except (OSError, psutil.Error):
            continue
        if label and sid not in ended and not is_alive(label):
            end_session(sid)
            ended.append(sid)
    return ended
