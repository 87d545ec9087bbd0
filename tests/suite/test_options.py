"""What depends on the machine or on files is refused too; nothing is left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from perf.judge.stored import EXTRA, SCHEMA_VERSION
from tests.support.refusal import DEAD_ENGINE, USAGE_ERROR, assert_refused
from tests.support.suite import ROOT, Suite

HERE = sorted(os.sched_getaffinity(0))


def test_more_workers_than_cores_need_the_article_profile(suite: Suite) -> None:
    """A row is refused by name if the profile leaves it out on this machine."""
    arguments = ["--perf-profile=standard", "--perf-scenario=serving-workers-8"]
    if len(HERE) > 4:
        os.sched_setaffinity(0, HERE[:2])
    try:
        (run,) = suite.refused([arguments])
    finally:
        os.sched_setaffinity(0, HERE)
    assert_refused(run, "--perf-scenario serving-workers-8:", "--perf-profile article")


def test_an_empty_images_folder_is_refused(suite: Suite, tmp_path: Path) -> None:
    """Files of other types do not count. The message names the folder."""
    (tmp_path / "SOURCES.md").write_text("nothing", encoding="utf-8")
    (run,) = suite.refused([[f"--perf-images={tmp_path}"]])
    assert_refused(run, f"--perf-images {tmp_path}: there is no image in it")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"benchmarks": [{"extra_info"', "is damaged"),
        ('{"results": []}', "is damaged"),
        *(
            (
                json.dumps(
                    {"benchmarks": [{"extra_info": {EXTRA: {"schema_version": n}}}]}
                ),
                f"has schema {n}, but this suite reads schema {SCHEMA_VERSION}: record",
            )
            for n in (1, 99)
        ),
    ],
    ids=["truncated", "of another shape", "of the first schema", "of a later schema"],
)
def test_a_baseline_that_cannot_be_read_is_refused(
    text: str, why: str, suite: Suite
) -> None:
    """The message names the file and the option for another folder; the file is kept."""
    path = suite.baselines / "Linux-CPython-3.11-64bit" / "0001_x.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (run,) = suite.refused([[]])
    assert_refused(run, f"baseline {path} {why}", "--benchmark-storage")
    assert path.read_text("utf-8") == text


def test_auto_means_processes_without_a_docker_engine(suite: Suite) -> None:
    """The header names the runtime and the reason, once."""
    run = suite.run(
        "--perf-runtime=auto", "--collect-only", env={"DOCKER_HOST": DEAD_ENGINE}
    )
    assert run.code == pytest.ExitCode.OK, run.output
    (line,) = run.lines("perf: runtime")
    assert line.startswith("perf: runtime process (no Docker engine ")
    assert line.count("Docker engine") == 1


def test_a_temporary_folder_that_is_too_long_is_refused(
    suite: Suite, tmp_path: Path
) -> None:
    """A server could not make its sockets there, and would not say why."""
    folder = tmp_path / ("x" * 60)
    folder.mkdir()
    (run,) = suite.refused([["--perf-runtime=process"]], env={"TMPDIR": str(folder)})
    assert_refused(run, f"TMPDIR {folder}: too long", "at most 58 bytes")


def test_a_port_that_another_program_holds_is_refused(suite: Suite) -> None:
    """The message comes before anything is started; the other program keeps the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (run,) = suite.refused([[f"--perf-port={port}"]])
        assert_refused(run, f"--perf-port {port}: the port is held by another program")
        with socket.create_connection(("127.0.0.1", port)):
            other.accept()[0].close()


_HOLD_THE_LOCK = """
import sys
from perf.machine.lock import only_run

with only_run():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_at_the_same_time_is_refused(suite: Suite) -> None:
    """The message names the process that measures. The first run is not disturbed."""
    first = psutil.Popen(
        [sys.executable, "-c", _HOLD_THE_LOCK],
        cwd=ROOT,
        env=suite.environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with first:
        assert first.stdout.readline() == b"held\n"
        run = suite.run()
        assert run.code == USAGE_ERROR, run.output
        (line,) = run.lines("ERROR: ")
        assert f"another run of the suite (process {first.pid}) is measuring" in line
        assert "Traceback" not in run.output
        assert run.summary is None
        first.stdin.close()
    assert first.returncode == 0


def test_help_can_be_printed(suite: Suite) -> None:
    """No text of an option has a sign that argparse takes for a placeholder."""
    run = suite.run("--help")
    assert run.code == pytest.ExitCode.OK, run.output
    assert "--perf-slo" in run.output


def test_options_of_other_plugins_are_left_alone(suite: Suite) -> None:
    """An option that spoils a benchmark is allowed where no benchmark is run."""
    arguments = ("-p", "no:cacheprovider", "--collect-only", "--benchmark-autosave")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "tests/suite/test_options.py"],
        cwd=ROOT,
        env=suite.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
