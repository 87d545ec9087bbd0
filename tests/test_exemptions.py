"""Every exemption from a rule has its reason beside it.

No rule of ruff asks for this: RUF100 finds exemptions that nothing needs, and PGH004 those
that name no rule.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_EXEMPTION = re.compile(r"#\s*(?:ruff: )?(?:noqa|type: ignore|fmt: (?:off|skip)|pragma:)")
_REASON = re.compile(r" -- \S")
# Where pyproject.toml exempts: the lists, their entries, and tables of mypy.
_LIST = re.compile(r'(ignore|filterwarnings|untyped_calls_exclude|"[^"]+") = \[')
_ENTRY = re.compile(r'"(?!error")[^",]+"')
_OVERRIDE = "[[tool.mypy.overrides]]"


def sources() -> list[Path]:
    """Return the project's Python files: those at the top, and those in visible folders."""
    folders = [folder for folder in ROOT.glob("[!.]*") if folder.is_dir()]
    inside = [path for folder in folders for path in folder.rglob("*.py")]
    return sorted([*ROOT.glob("*.py"), *inside])


def unexplained(path: Path) -> Iterator[str]:
    """Yield each comment with an exemption that no ` -- reason` follows."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type != tokenize.COMMENT:
                continue
            found = list(_EXEMPTION.finditer(token.string))
            if found and not _REASON.search(token.string, found[-1].end()):
                yield f"{path}:{token.start[0]}: {token.string}"


def uncommented(text: str) -> Iterator[str]:
    """Yield each exemption in pyproject.toml with no comment beside or above it."""
    above, listed = "", False
    for number, line in enumerate(text.splitlines(), start=1):
        listed = listed or bool(_LIST.match(line))
        entries = _LIST.sub("", line)
        exempts = above == _OVERRIDE or (listed and _ENTRY.search(entries))
        if exempts and "#" not in line and not above.startswith("#"):
            yield f"pyproject.toml:{number}: {line}"
        listed = listed and not line.partition("#")[0].rstrip().endswith("]")
        above = line.strip()


def test_every_exemption_in_the_code_has_a_reason() -> None:
    """It stands after ` -- ` in the same comment, once for all exemptions of a line."""
    found = [line for path in sources() for line in unexplained(path)]
    assert not found, "no reason:\n" + "\n".join(found)


def test_every_exemption_in_pyproject_has_a_comment() -> None:
    """It stands in the same line, or in the line above."""
    found = list(uncommented((ROOT / "pyproject.toml").read_text("utf-8")))
    assert not found, "no comment:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("comment", "explained"),
    [
        ("# noqa: S311 -- an order, not a secret", True),
        ("# noqa: S311", False),
        ("# noqa: S311 --", False),
        ("# noqa: S311 - an order", False),
        ("# type: ignore[misc]  # -- litserve is only partly typed", True),
        ("# type: ignore[misc]  # litserve is only partly typed", False),
        ("# type: ignore[attr-defined]  # noqa: SLF001 -- the only handle", True),
        ("# noqa: SLF001 -- the only handle  # type: ignore[attr-defined]", False),
        ("# ruff: noqa", False),
        ("# fmt: off", False),
        ("# noqa is not written here", False),
        ("# a comment about type: ignore", True),
    ],
)
def test_a_missing_reason_is_found(comment: str, explained: bool, tmp_path: Path) -> None:  # noqa: FBT001 -- a column of the table
    """A reason is words after two dashes, behind the last exemption."""
    path = tmp_path / "code.py"
    path.write_text(f"text = '# noqa: E501'\nx = 1  {comment}\n", encoding="utf-8")
    assert list(unexplained(path)) == ([] if explained else [f"{path}:2: {comment}"])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('ignore = [\n    "D203",  # a reason\n    "E501",\n]\n"S101"\n', [3]),
        ('ignore = ["E501"]\n', [1]),
        ('"docs/*" = ["E501"]\n', [1]),
        ('"docs/*" = [\n    "E501",  # a reason\n    "E502",\n]\n', [3]),
        ('ignore = ["E501"]  # a reason\nselect = [\n    "ALL",\n]\n', []),
        ('filterwarnings = [\n    "error",\n    # a reason\n    "ignore:x",\n]\n', []),
        ('filterwarnings = [\n    "error",\n    "ignore:x",\n]\n', [3]),
        ('[[tool.mypy.overrides]]\nmodule = ["ts.*"]\n', [2]),
        ('[[tool.mypy.overrides]]\n# A reason.\nmodule = ["ts.*"]\n', []),
    ],
)
def test_a_missing_comment_is_found(text: str, lines: list[int]) -> None:
    """Each is told by its line; a list that exempts from nothing needs no comment."""
    told = [int(line.split(":")[1]) for line in uncommented(text)]
    assert told == lines
