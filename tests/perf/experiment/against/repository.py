"""A small git repository that looks like the project, as far as a tree is looked at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HOST = "perf/experiment/against/host.py"
TABLE = "perf/scenarios.toml"
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A Tester"), ("EMAIL", "tester@example.org"))
}


class Repository:
    """A repository with two commits: `old` has no host, `new` has all that is needed."""

    def __init__(self, root: Path) -> None:
        """Make it in `root`."""
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write(TABLE, "# old")
        self.old = self.commit("old")
        self.write(TABLE, "# new")
        self.write(HOST, "# the host")
        self.new = self.commit("new")

    def git(self, *arguments: str) -> str:
        """Run git here, and return what it writes."""
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],  # noqa: S607 -- the git that is installed
            env={**os.environ, **_IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        """Write a file, and the folders above it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit all files, and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")
