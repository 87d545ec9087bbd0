"""The tree that a run is compared with: a git revision, or another checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from perf.config.options import argument
from perf.experiment.against.protocol import HOST
from serving.errors import ConfigError
from serving.model.cache import digest_of, sha256

ROOT = Path(__file__).resolve().parents[3]
"""The folder of this tree."""

_MEASURED = ("serving", "perf/load")
"""The folders with what servers and jobs run: the model, the handlers, the clients."""

_NOT_MEASURED = (":(exclude)history",)
"""Where `--perf-history` usually writes: a night before is no change of the code."""

_HOST_FILE = Path(*HOST.split(".")).with_suffix(".py")
_CACHE = "__pycache__"
_TABLE = Path("perf", "scenarios.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The project's files at one moment."""

    root: Path

    label: str
    """What a reader calls it."""

    commit: str
    """The commit of its files, or the empty string where git does not know it."""

    changed: bool
    """Whether its files are not those of the commit."""


def files_digest(root: Path) -> str:
    """Return one short digest of the files that servers and jobs of a tree run.

    It tells changes apart that are in no commit.
    """
    files = sorted(
        path
        for folder in _MEASURED
        for path in (root / folder).rglob("*")
        if path.is_file() and _CACHE not in path.parts
    )
    return digest_of([[str(path.relative_to(root)), sha256(path)] for path in files])


def against_option(ref: str) -> str:
    """Return the option that names the other tree, as messages begin with it."""
    return f"{argument('against')} {ref}"


def own_tree() -> Tree:
    """Return the tree that this code is part of."""
    tree = _checkout(ROOT, "HEAD")
    label = "HEAD" if tree.commit and not tree.changed else "the working tree"
    return Tree(root=ROOT, label=label, commit=tree.commit, changed=tree.changed)


def find_tree(ref: str, option: str, cache: Path) -> Tree:
    """Return the tree that `ref` names: the path of a checkout, or a git revision.

    The files of a revision are kept in `cache`, by commit. `option` begins the message of
    the ConfigError that is raised where there is no such tree, or it cannot take part.
    """
    folder = folder_of(ref)
    if folder:
        tree = _checkout(folder, ref)
    else:
        commit = _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if commit is None:
            raise ConfigError(
                f"{option}: there is no such git revision, and no such folder"
            )
        try:
            root = _checked_out(commit, cache)
        except OSError as error:
            raise unwritable(cache, error) from None
        tree = Tree(root=root, label=ref, commit=commit, changed=False)
    if not (tree.root / _TABLE).is_file():
        raise ConfigError(f"{option}: it has no {_TABLE}, so it has nothing to measure")
    if not (tree.root / _HOST_FILE).is_file():
        raise ConfigError(
            f"{option}: it has no {_HOST_FILE}, so it is too old to take part"
        )
    return tree


def unwritable(cache: Path, error: OSError) -> ConfigError:
    """Return what to raise where the cache cannot be written."""
    return ConfigError(
        f"{argument('cache')} {cache}: {error.filename or cache} cannot be written "
        f"({error.strerror or error}); free some space, or name another folder"
    )


def is_at_hand(commit: str) -> bool:
    """Return whether git has a commit, and the commit can be measured side by side."""
    # Without a commit, git would look at its index.
    found = _git("cat-file", "-e", f"{commit}:{_HOST_FILE.as_posix()}") if commit else None
    return found is not None


def folder_of(ref: str) -> Path | None:
    """Return the folder that `ref` names, or None where there is none."""
    try:
        folder = Path(ref).expanduser()
        return folder.resolve() if folder.is_dir() else None
    except (OSError, RuntimeError):  # no path is so long; or `~1`: no user has that name
        return None


def _checkout(root: Path, label: str) -> Tree:
    commit = _git("rev-parse", "HEAD", root=root) or ""
    changed = bool(_git("status", "--porcelain", "--", ".", *_NOT_MEASURED, root=root))
    return Tree(root=root, label=label, commit=commit, changed=changed)


def _checked_out(commit: str, cache: Path) -> Path:
    """Return the folder with the files of a commit."""
    folder = cache / "trees" / commit
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=folder.parent))
    try:
        # An index of our own: the user's index and files are not touched.
        index = {"GIT_INDEX_FILE": str(made / "index")}
        files = made / "files"
        _must("read-tree", commit, env=index)
        _must("checkout-index", "--all", f"--prefix={files}{os.sep}", env=index)
        try:
            files.rename(folder)
        except OSError:
            if not folder.is_dir():  # then no other run has been faster
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _must(*arguments: str, env: dict[str, str]) -> None:
    done = _run_git(*arguments, root=ROOT, env=env)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise ConfigError(f"git {' '.join(arguments)} failed in {ROOT}: {why}")


def _git(*arguments: str, root: Path | None = None) -> str | None:
    """Return what git writes, or None where it fails or is not installed."""
    try:
        done = _run_git(*arguments, root=root or ROOT)
    except OSError:
        return None
    return None if done.returncode else done.stdout.strip()


def _run_git(
    *arguments: str, root: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(root), *arguments],  # noqa: S607 -- the git that the user has
        env={**os.environ, **(env or {})},
        check=False,
        capture_output=True,
        text=True,
    )
