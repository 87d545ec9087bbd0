"""Runs the suite as its users do: pytest in its own process, at the root of the project."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import psutil

from serving.errors import ConfigError
from serving.runtimes.base import SESSION_LABEL, SESSION_VARIABLE
from serving.runtimes.container import connect
from tests.support.fakes import wait_until
from tests.support.sabotage import ANY_MACHINE, SEVERAL, SLOW_SERVER

ROOT = Path(__file__).parents[2]
_LONGEST_S = 240
_ENGINE_S = 3
# The environment of a run with the same limits on other programs as a user's run.
STRICT: Mapping[str, str | None] = {"PYTHONPATH": None}
# Variables of the outer run that the inner run must not see.
_NOT_PASSED_ON = ("GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS", "PYTHONPATH")
# Threads that wait must sleep. Beside other tests the threads of a tiny model would spin
# most of the time, and it would be fifty times slower.
_PATIENT = {"OMP_WAIT_POLICY": "passive"}
# A plugin of the tests, which users do not have. Its import takes most of a second.
_WITHOUT = ("-p", "no:hypothesispytest")
# An empty folder that torch makes when it is imported.
_MAY_STAY = ("torchinductor_",)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended: its exit code, its output, and its summary.json if it wrote one."""

    code: int
    output: str
    summary: dict[str, Any] | None = None

    @property
    def result(self) -> dict[str, Any]:
        """The summary; fails if the run wrote none."""
        assert self.summary is not None, self.output
        return self.summary

    def row(self, name: str) -> dict[str, Any]:
        """Return the entry of a scenario in the summary."""
        rows = {row["name"]: row for row in self.result["scenarios"]}
        found: dict[str, Any] = rows[name]
        return found

    def lines(self, start: str) -> list[str]:
        """Return the lines of the output that begin with `start`."""
        return [line for line in self.output.splitlines() if line.startswith(start)]


class Started:
    """A run that was started; a test may interrupt it."""

    def __init__(
        self, suite: Suite, command: Sequence[str], env: Mapping[str, str]
    ) -> None:
        """Start it, with its output in a file: a process left behind could block a pipe."""
        self._suite = suite
        self._output = suite.folder / "output.txt"
        with self._output.open("wb") as output:
            self.process = psutil.Popen(
                command,
                cwd=suite.root,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pids = {self.process.pid}
        """The process and those below it that were seen; each may have containers."""

    def output(self) -> str:
        """Return the output so far."""
        return self._output.read_text("utf-8", errors="replace")

    def servers(self) -> list[psutil.Process]:
        """Return the server processes of all runs of this folder; they have a label."""
        return self._suite.processes(labelled=True)

    def until(self, what: str, there: Callable[[], Sized]) -> None:
        """Return once `there` returns something; fail if the run ends before."""

        def found() -> bool:
            assert self.process.poll() is None, f"ended before {what}: {self.output()}"
            with contextlib.suppress(psutil.Error):
                self.pids |= {one.pid for one in self.process.children(recursive=True)}
            return bool(there())

        wait_until(found, what)

    def wait(self) -> Run:
        """Wait for its end, and return how it ended."""
        try:
            code = self.process.wait(_LONGEST_S)
        except psutil.TimeoutExpired:
            raise AssertionError(f"the run does not end: {self.output()}") from None
        summary = self._suite.reports / "summary.json"
        read = json.loads(summary.read_text("utf-8")) if summary.exists() else None
        return Run(code, self.output(), read)


class Suite:
    """A folder with runs that share TMPDIR, baselines and reports.

    Other programs make no run invalid, except a run with `STRICT` as its environment.
    """

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        """Prepare `folder`. Its path must be short, because it holds Unix sockets.

        `root` is the tree whose suite runs.
        """
        self.folder = folder
        self.root = root
        self.baselines = folder / "baselines"
        self.reports = folder / "reports"
        self.tmp = folder / "t"
        self.tmp.mkdir()
        self._started: list[Started] = []

    def arguments(self, *more: str) -> list[str]:
        """Return the arguments of pytest for a small run with the process runtime."""
        return [
            *("-p", "no:cacheprovider", *_WITHOUT, "perf", "--perf-profile", "smoke"),
            *("--perf-runtime", "process", "--perf-reports", str(self.reports)),
            *("--benchmark-storage", f"file://{self.baselines}", *more),
        ]

    def environment(self, env: Mapping[str, str | None]) -> dict[str, str]:
        """Return our environment with TMPDIR and `env`; None removes a variable."""
        kept = {k: v for k, v in os.environ.items() if k not in _NOT_PASSED_ON}
        lenient = self.customised("lenient", "")
        own = {**_PATIENT, "TMPDIR": str(self.tmp), "PYTHONPATH": lenient}
        changed = {**kept, **own, **env}
        return {name: value for name, value in changed.items() if value is not None}

    def start(self, *more: str, env: Mapping[str, str | None] | None = None) -> Started:
        """Start a run."""
        (self.reports / "summary.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", *self.arguments(*more)]
        started = Started(self, command, self.environment(env or {}))
        self._started.append(started)
        return started

    def run(self, *more: str, env: Mapping[str, str | None] | None = None) -> Run:
        """Run to the end."""
        return self.start(*more, env=env).wait()

    def refused(
        self, cases: Sequence[Sequence[str]], env: Mapping[str, str | None] | None = None
    ) -> list[Run]:
        """Run with each of `cases` in one process; pytest must refuse them all."""
        done = subprocess.run(
            [sys.executable, "-c", SEVERAL],
            input=json.dumps([self.arguments(*case) for case in cases]),
            cwd=self.root,
            env=self.environment(env or {}),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=True,
        )
        return [Run(code, output) for code, output in json.loads(done.stdout)]

    def customised(self, name: str, code: str) -> str:
        """Return a folder for PYTHONPATH with `code` as its sitecustomize.

        The sitecustomize also lifts the limits on other programs.
        """
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        program = f"{ANY_MACHINE}\n{code}"
        (folder / "sitecustomize.py").write_text(program, encoding="utf-8")
        return str(folder)

    def slow_server(self, delay_s: float) -> dict[str, str | None]:
        """Return an environment in which each batch of a server takes `delay_s` longer."""
        code = SLOW_SERVER.replace("{delay_s}", str(delay_s))
        return {"PYTHONPATH": self.customised("slow", code)}

    def processes(self, *, labelled: bool = False) -> list[psutil.Process]:
        """Return the processes with our TMPDIR; if `labelled`, only those of servers."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                env = process.environ()
                ours = env.get("TMPDIR", "").startswith(str(self.tmp))
                if ours and (SESSION_VARIABLE in env or not labelled):
                    found.append(process)
        return found

    def containers(self) -> dict[str, str]:
        """Return the label of each container of our runs, by the container's id.

        Without a Docker engine there is none.
        """
        try:
            client = connect(_ENGINE_S)
        except ConfigError:
            return {}
        with contextlib.closing(client):
            found = client.api.containers(all=True, filters={"label": SESSION_LABEL})
        ours = {str(pid) for started in self._started for pid in started.pids}
        labels = {str(one["Id"]): str(one["Labels"][SESSION_LABEL]) for one in found}
        return {
            container: label
            for container, label in labels.items()
            if label.partition("-")[0].rpartition(".")[2] in ours
        }

    def left_over(self) -> list[str]:
        """Describe each thing that our runs left behind."""
        left = [str(process) for process in self.processes()]
        left += [p.name for p in self.tmp.iterdir() if not p.name.startswith(_MAY_STAY)]
        return left + [f"container of {label}" for label in self.containers().values()]

    def close(self) -> None:
        """Kill our processes and remove the folder."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        for started in self._started:
            started.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def fresh_suite(root: Path = ROOT) -> Iterator[Suite]:
    """Yield a folder for runs, and assert at the end that they left nothing behind.

    `root` is the tree whose suite runs.
    """
    suite = Suite(Path(tempfile.mkdtemp(prefix="sp-")), root)
    try:
        yield suite
        left = suite.left_over()
        assert left == [], f"left behind: {left}"
    finally:
        suite.close()


def tiny_model() -> str:
    """Return the path of a model of ten classes that is computed in no time.

    It is kept in the cache, so the next run of the tests finds its archive there.
    """
    given = os.environ.get("PERF_CACHE")
    folder = Path(given or platformdirs.user_cache_dir("serving-perf")) / "tests"
    path = folder.resolve() / "tiny.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"tiny.{os.getpid()}")
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.tiny", str(part)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=_LONGEST_S)
        part.rename(path)
    return str(path)
