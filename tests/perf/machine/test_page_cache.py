"""Tests of dropping a file from the page cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from perf.machine.page_cache import forget

pytestmark = pytest.mark.quick


def _cached_bytes(file: Path) -> int:
    """Return how much of a file is in the page cache."""
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(file)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not shutil.which("fincore"), reason="fincore of util-linux is missing")
def test_a_forgotten_file_is_read_anew(tmp_path: Path) -> None:
    """Its pages leave the cache, its content stays."""
    file = tmp_path / "model.pt"
    content = os.urandom(1 << 20)
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    if _cached_bytes(file) == 0:
        pytest.skip("the file system of the temporary folder has no page cache")
    forget(file)
    assert _cached_bytes(file) == 0
    assert file.read_bytes() == content
    assert _cached_bytes(file) == len(content)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """It is not passed over in silence."""
    with pytest.raises(FileNotFoundError):
        forget(tmp_path / "none.pt")
