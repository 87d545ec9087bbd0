"""The state of the fake of GitHub: what its repository has, and what it was asked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REPOSITORY = "team/project"
BOT = "github-actions[bot]"


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that takes the place of the right one, for requests that match."""

    method: str
    path: str
    status: int = 500
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    hangs: bool = False
    """Whether there is no answer as long as the server runs."""

    drips: bool = False
    """Whether the answer comes in single bytes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    token: str | None
    body: Any


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """Return a zip with these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


class GitHubState:
    """What tests set and read."""

    def __init__(self) -> None:
        """Begin with an empty repository."""
        self.page_size = 100
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.issues: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.artifacts: dict[int, list[dict[str, Any]]] = {}
        self.archives: dict[str, bytes] = {}
        self.refs: dict[str, str] = {}
        self.files: dict[str, bytes] = {}

    def wrote(self) -> list[Asked]:
        """Return the requests that changed something."""
        return [one for one in self.asked if one.method != "GET"]

    def add_artifact(self, run: int, name: str, content: bytes, **more: object) -> None:
        """Add an artifact to a run; the next one has a higher number."""
        number = 1 + len(self.archives)
        self.archives[str(number)] = content
        entry = {"id": number, "name": name, "size_in_bytes": len(content)}
        listed = self.artifacts.setdefault(run, [])
        listed.insert(0, {**entry, "expired": False, **more})

    def add_comment(self, issue: int, body: str, login: str = BOT) -> dict[str, Any]:
        """Add a comment to an issue or a pull request."""
        number = 1000 + len(self.comments)
        page = f"https://github.example/{REPOSITORY}/issues/{issue}#{number}"
        made = {"id": number, "issue": issue, "body": body, "html_url": page}
        self.comments.append({**made, "user": {"login": login}})
        return self.comments[-1]

    def add_issue(self, body: str, **more: object) -> dict[str, Any]:
        """Add an issue with the label of regressions."""
        number = 1 + len(self.issues)
        page = f"https://github.example/{REPOSITORY}/issues/{number}"
        made = {"number": number, "body": body, "html_url": page, "state": "open"}
        self.issues.append({**made, "labels": ["performance-regression"], **more})
        return self.issues[-1]
