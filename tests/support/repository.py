"""A git repository with a copy of this tree, of which a test makes other revisions."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.support.suite import ROOT

BASE = "base"
_BRANCH = "trunk"
_COPIED = (".gitignore", "conftest.py", "fixtures", "perf", "pyproject.toml", "serving")
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "recordings")
_WHO = ("-c", "user.name=tests", "-c", "user.email=tests@example.org")

Edit = Callable[[str], str]
"""What becomes of the text of a file."""


def replaced(old: str, new: str) -> Edit:
    """Return an edit of the one place where `old` stands."""

    def edit(text: str) -> str:
        assert text.count(old) == 1, old
        return text.replace(old, new)

    return edit


class Repository:
    """A repository at `root`; its first commit has the tag `base`, and is checked out."""

    def __init__(self, root: Path, *, edits: Mapping[str, Edit], files: list[Path]) -> None:
        """Copy this tree, with `edits` by path, and `files` in its folder `models`."""
        self.root = root
        self._models = root / "models"
        self._models.mkdir(parents=True)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=_NOT_COPIED)
            else:
                shutil.copy(source, root / name)
        for path in files:
            shutil.copy(path, self._models / path.name)
        self._git("init", "--quiet", f"--initial-branch={_BRANCH}")
        self._edit(edits)
        self._commit(BASE)

    def revision(
        self,
        name: str,
        *,
        edits: Mapping[str, Edit] | None = None,
        files: Mapping[str, Path] | None = None,
        without: str = "",
    ) -> str:
        """Commit a revision that differs from the base; return its name, which is a tag.

        `files` are copied to their new names in the tree. `without` is a file or a folder
        to remove.
        """
        with self.checked_out(BASE):
            self._edit(edits or {})
            for place, path in (files or {}).items():
                shutil.copy(path, self.root / place)
            if without:
                self._git("rm", "-r", "--quiet", without)
            self._commit(name)
        return name

    @contextlib.contextmanager
    def checked_out(self, name: str) -> Iterator[None]:
        """Check a revision out; at the end the base is there again, without changes."""
        self._git("checkout", "--quiet", "--detach", name)
        try:
            yield
        finally:
            self._git("checkout", "--quiet", "--force", _BRANCH)

    @contextlib.contextmanager
    def changed(self, edits: Mapping[str, Edit]) -> Iterator[None]:
        """Change files and do not commit them; at the end they are as they were."""
        self._edit(edits)
        try:
            yield
        finally:
            self._git("checkout", "--quiet", "--force", _BRANCH)

    def commit(self, name: str) -> str:
        """Return the hash of a revision."""
        return self._git("rev-parse", name)

    def state(self) -> str:
        """Return what git says of changed and new files."""
        return self._git("status", "--porcelain")

    def _edit(self, edits: Mapping[str, Edit]) -> None:
        for name, edit in edits.items():
            path = self.root / name
            path.write_text(edit(path.read_text("utf-8")), encoding="utf-8")

    def _commit(self, name: str) -> None:
        self._git("add", "--all")
        self._git(*_WHO, "commit", "--quiet", "--message", name)
        self._git("tag", name)

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *words],  # noqa: S607 -- the git that the user has
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
