"""A wrong option is refused in one line that names it; nothing is left behind."""

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
from tests.support.suite import ROOT, Run, Suite, fresh_suite

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
    **{
        f"{option} {value}": (
            (f"--perf-{option}={value}", "--perf-arrivals=poisson"),
            (f"--perf-{option} {value}:", "not a number above 0"),
        )
        for option in ("rate", "slo")
        for value in ("0", "-3", "fast", "nan", "")
    },
    "arrivals": (
        ("--perf-arrivals=pareto", "--perf-rate=5"),
        ("--perf-arrivals pareto", "closed, constant, poisson, gamma"),
    ),
    "a rate in a closed loop": (
        ("--perf-rate=5",),
        ("--perf-rate 5:", "closed loop", "--perf-arrivals"),
    ),
    "an SLO in a closed loop": (
        ("--perf-slo=500",),
        ("--perf-slo 500:", "closed loop", "--perf-arrivals"),
    ),
    "arrivals without a rate": (
        ("--perf-arrivals=poisson",),
        ("--perf-arrivals poisson:", "rate"),
    ),
    "arrivals of jobs that share a forked process": (
        (
            "--perf-scenario=decentralized-shared",
            "--perf-family=servers",
            "--perf-arrivals=poisson",
            "--perf-rate=1",
        ),
        ("decentralized-shared", "forked", "late"),
    ),
    **{
        f"sweep with {option}": (
            ("--perf-sweep=torchserve", option),
            (f"--perf-sweep together with {option.partition('=')[0]}: ",),
        )
        for option in (
            "--benchmark-save=x",
            "--perf-against=HEAD",
            "--perf-launches=3",
            "--perf-pairs=4",
            "--perf-budget=5",
            "--perf-turn=0",
            "--perf-seed=0",
            "--perf-confirm=never",
            "--perf-limits",
            "--perf-require-baseline",
        )
    },
    "sweep": (
        ("--perf-sweep=everything",),
        ("--perf-sweep everything: no such sweep", "torchserve, litserve"),
    ),
    "scenario": (
        ("--perf-scenario=serving-bath",),
        ("--perf-scenario serving-bath: no such scenario", "serving-batch"),
    ),
    "no scenario": (("--perf-scenario=",), ("--perf-scenario: no name is given",)),
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
        ("--perf-runtime podman: ", "choose auto or docker or process"),
    ),
    "device": (
        ("--perf-device=tpu",),
        ("--perf-device tpu: ", "choose cpu or cuda"),
    ),
    "a card in a container": (
        ("--perf-device=cuda", "--perf-runtime=docker"),
        ("--perf-device cuda:", "on the CPU only", "--perf-runtime process"),
    ),
    "missing images": (
        ("--perf-images=/nonexistent",),
        ("--perf-images /nonexistent: there is no such folder",),
    ),
    "folder of images that cannot be looked at": (
        (f"--perf-images=/{'x' * 300}",),
        (f"--perf-images /{'x' * 300}: File name too long",),
    ),
    "memory": (
        ("--perf-docker-memory=much",),
        ("--perf-docker-memory much: not a size",),
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
    "turn below 0": (
        ("--perf-turn=-1",),
        ("--perf-turn -1: ", "not a number of at least 0"),
    ),
    "turn as text": (
        ("--perf-turn=soon",),
        ("--perf-turn soon: ", "not a number of at least 0"),
    ),
    "confirm": (
        ("--perf-confirm=always",),
        ("--perf-confirm always: ", "choose auto or never"),
    ),
    **{
        f"against with {option}": (
            ("--perf-against=HEAD", option),
            (f"--perf-against together with {option.partition('=')[0]}: ",),
        )
        for option in (
            "--benchmark-save=x",
            "--perf-port=8080",
            "--perf-limits",
            "--perf-history=history",
        )
    },
    "a folder after a space": (
        ("--perf-against", str(ROOT)),
        (f"--perf-against {ROOT}: ", f"--perf-against={ROOT}"),
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


@pytest.fixture(scope="module")
def refusals() -> dict[str, Run]:
    """The run of each command line in `REFUSED`."""
    with fresh_suite() as made:
        cases = [arguments for arguments, _ in REFUSED.values()]
        runs = made.refused(cases, env={"DOCKER_HOST": DEAD_ENGINE})
    return dict(zip(REFUSED, runs, strict=True))


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_option_is_refused_in_one_line(case: str, refusals: dict[str, Run]) -> None:
    """The output is one line that names the option and says what is right; exit code 4."""
    run = refusals[case]
    assert_refused(run, *REFUSED[case][1])


def assert_refused(run: Run, *words: str) -> None:
    """Assert a usage error of one line with all of `words` in it."""
    assert run.code == USAGE_ERROR, run.output
    (line,) = run.output.strip().splitlines()
    assert line.startswith("ERROR: ")
    assert line.count("ERROR") == 1
    for word in words:
        assert word in line


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
