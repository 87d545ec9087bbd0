"""The examples of docs/extending.md work: each is applied to a copy of the tree and run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import text_of
from tests.support.suite import ROOT

PAGE = text_of("docs/extending.md")
TO_COME = "<!-- LEAD: example"
_LONGEST_S = 300
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "recordings", "reports")
_PROGRAMS = ("pytest", "python", "tox", "ruff", "mypy")


class Block(NamedTuple):
    """One code block: its language, what follows it on its first line, and its text."""

    language: str
    info: str
    text: str

    @property
    def title(self) -> str | None:
        """The file that the block belongs to, as a path from the project's root."""
        found = re.search(r'title="([^"]+)"', self.info)
        return found[1] if found else None

    def apply(self, root: Path) -> None:
        """Write the block into the tree at `root`, as the page's introduction says."""
        assert self.title
        path = root / self.title
        after = re.search(r'after="([^"]+)"', self.info)
        if after:
            lines = path.read_text("utf-8").splitlines(keepends=True)
            (at,) = [i for i, line in enumerate(lines) if after[1] in line]
            text = "".join((*lines[: at + 1], self.text, *lines[at + 1 :]))
        elif "append" in self.info.split():
            text = path.read_text("utf-8") + "\n" + self.text
        else:
            assert not path.exists(), f"{self.title}: already there"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = self.text
        path.write_text(text, "utf-8")


class Command(NamedTuple):
    """A command of a `console` block, and the lines that its output must have."""

    line: str
    expected: list[str]

    def run(self, root: Path) -> None:
        """Run it in the tree at `root`; fails where it does, or where a line is missing."""
        program, *arguments = shlex.split(self.line)
        assert program in _PROGRAMS, self.line
        start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
        done = subprocess.run(
            [*start, *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        for line in self.expected:
            assert line in output, f"{line!r} is not in the output:\n{output}"


def sections() -> dict[str, str]:
    """Return the text of each section by its heading."""
    parts = PAGE.split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def blocks(text: str) -> list[Block]:
    """Return the code blocks of a text."""
    return [Block(*found) for found in _BLOCK.findall(text)]


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a `console` block."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line.removeprefix("$ "), []))
        elif line:
            found[-1].expected.append(line)
    return found


def with_example() -> list[str]:
    """Return the headings of the sections that have an example."""
    return [heading for heading, text in sections().items() if blocks(text)]


@pytest.mark.slow(reason="starts pytest, tox and mypy")
@pytest.mark.parametrize("heading", with_example())
def test_the_example_works(heading: str, tmp_path: Path) -> None:
    """Applied to a copy of the tree, the example passes the section's own commands."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
    found = blocks(sections()[heading])
    for block in found:
        if block.title:
            block.apply(copy)
    checks = [c for b in found if b.language == "console" for c in commands_of(b)]
    assert checks, f"{heading}: the section has no command that checks its example"
    for command in checks:
        command.run(copy)


@pytest.mark.parametrize("heading", sections())
def test_every_section_has_an_example(heading: str) -> None:
    """No section stays without a tested example, and no block is left out of the test."""
    text = sections()[heading]
    if TO_COME in text:
        return
    found = blocks(text)
    assert [block for block in found if block.title], f"{heading}: no example"
    assert all(block.title or block.language == "console" for block in found)
    assert text.count("\n```") == 2 * len(found), "a block that cannot be read"


def test_a_scenario_is_among_the_examples() -> None:
    """The row of the simplest example, and both of its checks, are found."""
    found = blocks(sections()["A scenario"])
    assert [block.title for block in found] == ["perf/scenarios.toml", None]
    lines = [command.line for command in commands_of(found[1])]
    assert [line.split()[0] for line in lines] == ["tox", "pytest"]


def test_a_block_goes_where_it_says(tmp_path: Path) -> None:
    """A block is a new file, an end of a file, or lines below a line that stands once."""
    Block("py", ' title="a/b.py"', "one\nthree\n").apply(tmp_path)
    Block("py", ' title="a/b.py" after="one"', "two\n").apply(tmp_path)
    Block("py", ' title="a/b.py" append', "four\n").apply(tmp_path)
    assert (tmp_path / "a" / "b.py").read_text("utf-8") == "one\ntwo\nthree\n\nfour\n"
    with pytest.raises(AssertionError, match="already there"):
        Block("py", ' title="a/b.py"', "").apply(tmp_path)
    with pytest.raises(ValueError, match="unpack"):
        Block("py", ' title="a/b.py" after="t"', "").apply(tmp_path)


def test_a_command_that_fails_is_seen(tmp_path: Path) -> None:
    """A command must end with 0, and its output must have the lines below it."""
    Command("python -c 'print(1)'", ["1"]).run(tmp_path)
    for code, expected in (("print(1)", "2"), ("exit(1)", "")):
        with pytest.raises(AssertionError):
            Command(f"python -c '{code}'", [expected]).run(tmp_path)
