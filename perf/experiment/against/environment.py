"""The Python that runs another tree: ours, or one built from the tree's own pins."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from filelock import FileLock

from perf.experiment.against.tree import ROOT, Tree, unwritable
from serving.declared import requirement_files
from serving.errors import ConfigError

_GROUPS = ("engines", "perf")  # the first that a tree has holds all that a scenario needs
_INSTALL_S = 1800.0
_COMPLETE = "complete"


def python_of(tree: Tree, option: str, cache: Path) -> str:
    """Return the interpreter for `tree`.

    It is the one that runs this code where the tree pins the same packages as ours.
    Otherwise it is that of an environment in `cache`, which is built where it is missing.

    Raises ConfigError, whose message begins with `option`, where it cannot be built, and
    one that names the cache where that cannot be written.
    """
    wanted = pins(tree.root)
    if wanted == pins(ROOT):
        return sys.executable
    folder = cache / "environments" / wanted
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            _ensure(folder, tree, option)
    except OSError as error:
        raise unwritable(cache, error) from None
    return str(_python(folder))


def pins(root: Path) -> str:
    """Return a digest of what the tree at `root` pins, and of Python's version."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in _requirements(root):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    groups = _groups(root)
    wanted = {name: groups.get(name) for name in (*_GROUPS, "harness")}
    digest.update(json.dumps(wanted, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _ensure(folder: Path, tree: Tree, option: str) -> None:
    """Build the environment where it is missing, or was not completed."""
    if (folder / _COMPLETE).exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _build(folder, tree, option)
        (folder / _COMPLETE).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _build(folder: Path, tree: Tree, option: str) -> None:
    group = next((name for name in _GROUPS if name in _groups(tree.root)), None)
    files = [word for path in _requirements(tree.root) for word in ("-r", str(path))]
    grouped = ["--group", f"{tree.root / 'pyproject.toml'}:{group}"] if group else []
    _run([sys.executable, "-m", "venv", str(folder)], option)
    pip = [str(_python(folder)), "-m", "pip", "install", "--quiet"]
    if grouped:  # older versions of pip, which a new environment may have, know no groups
        _run([*pip, "--upgrade", "pip"], option)
    _run([*pip, *files, *grouped], option)


def _run(command: list[str], option: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_INSTALL_S
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{option}: its environment took too long to build") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        error = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise ConfigError(f"{option}: its environment cannot be built: {error}")


def _requirements(root: Path) -> list[Path]:
    paths = [root / "serving" / name for name in requirement_files()]
    return [path for path in paths if path.is_file()]


def _groups(root: Path) -> dict[str, object]:
    try:
        text = (root / "pyproject.toml").read_text("utf-8")
        groups: dict[str, object] = tomllib.loads(text).get("dependency-groups", {})
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    return groups


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
