"""Digests that say whether a model is another one."""

from __future__ import annotations

import zipfile
from pathlib import Path

from serving.model.cache import archive_digest, sha256


def archive(path: Path, *members: tuple[str, str], comment: bytes = b"") -> Path:
    """Write a zip archive with these files."""
    with zipfile.ZipFile(path, "w") as made:
        for name, text in members:
            made.writestr(name, text)
        made.comment = comment
    return path


def test_an_archive_is_what_is_in_it(tmp_path: Path) -> None:
    """The order of its files, what lies between, and debuggers' paths do not matter."""
    one = archive(tmp_path / "one.pt", ("m/a", "1"), ("m/b", "2"), ("m/a.debug_pkl", "x"))
    same = archive(
        tmp_path / "same.pt",
        *(("m/b", "2"), ("m/a", "1"), ("m/a.debug_pkl", "y")),
        comment=b"more",
    )
    assert sha256(one) != sha256(same)
    assert archive_digest(one) == archive_digest(same)


def test_another_file_makes_another_archive(tmp_path: Path) -> None:
    """A changed, a renamed and an added file are all noticed."""
    found = {
        archive_digest(archive(tmp_path / f"{number}.pt", *members))
        for number, members in enumerate(
            [
                [("m/a", "1"), ("m/b", "2")],
                [("m/a", "1"), ("m/b", "3")],
                [("m/a", "1"), ("m/c", "2")],
                [("m/a", "1"), ("m/b", "2"), ("m/c", "")],
            ]
        )
    }
    assert len(found) == 4
