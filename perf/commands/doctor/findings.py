"""What the doctor found: as text for a reader, and as data for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    WARNING = "warning"  # a run could start, but something is not as it should be
    FAULT = "fault"  # no run could start


_MARKS = {Level.GOOD: "+", Level.WARNING: "!", Level.FAULT: "x"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation."""

    what: str
    """On one line."""

    level: Level = Level.GOOD

    remedy: str = ""
    """The one command or step that mends it; empty where nothing needs to be mended."""


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one kind."""

    title: str
    findings: Sequence[Finding]

    @property
    def faults(self) -> list[Finding]:
        """What keeps a run from starting."""
        return [one for one in self.findings if one.level is Level.FAULT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All that was found."""

    groups: Sequence[Group]

    following: Sequence[str]
    """The commands to type next, the first one first."""

    is_calm: bool | None = True
    """Whether nothing else used the machine; None where that is not known."""

    @property
    def faults(self) -> list[Finding]:
        """What keeps a run from starting."""
        return [one for group in self.groups for one in group.faults]

    @property
    def outcome(self) -> str:
        """Whether a run could start, in one sentence."""
        number = len(self.faults)
        if not number:
            if self.is_calm:
                return "Ready: a run can start."
            if self.is_calm is None:
                return "Ready: a run can start; whether the machine is calm is not known."
            return "Wait: a run can start, but the machine is too noisy for a verdict."
        things = "1 thing keeps" if number == 1 else f"{number} things keep"
        return f"Not ready: {things} a run from starting."

    def as_text(self) -> str:
        """Return the page for a terminal, without a newline at its end."""
        lines = []
        for group in self.groups:
            lines += [group.title]
            remedies = [one.remedy for one in group.findings]
            # What several findings in a row need is told once, after the last of them.
            for one, later in zip(group.findings, [*remedies[1:], ""], strict=True):
                lines.append(f"  {_MARKS[one.level]} {one.what}")
                if one.remedy and one.remedy != later:
                    lines.append(f"      to fix it: {one.remedy}")
            lines.append("")
        lines += [self.outcome, "Type next:", *(f"    {line}" for line in self.following)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        return {
            "ready": not self.faults,
            "calm": self.is_calm,
            "groups": [
                {
                    "title": group.title,
                    "findings": [
                        {"level": one.level.value, "what": one.what, "remedy": one.remedy}
                        for one in group.findings
                    ],
                }
                for group in self.groups
            ],
            "next": list(self.following),
        }
