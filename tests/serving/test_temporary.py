"""A temporary folder that cannot be used is told in one line that names TMPDIR."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.machine.lock import who_measures
from serving.child import Child
from serving.errors import ConfigError
from serving.model.cache import build
from serving.runtimes.process import ProcessRuntime
from serving.temporary import TemporaryFolderError, naming_tmpdir, temporary_folder


def test_it_is_the_folder_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs of ours look there too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert temporary_folder() == tmp_path


USES: dict[str, Callable[[], object]] = {
    "a child's output": lambda: Child("perf.none"),
    "a server's folders": lambda: ProcessRuntime("session").place(("one",)),
    "what a builder leaves": lambda: build(None),
}


@pytest.mark.parametrize("use", USES)
def test_a_folder_that_is_gone_is_named(
    use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is needed for; the line says what to do."""
    gone = tmp_path / "gone"
    monkeypatch.setattr(tempfile, "tempdir", str(gone))
    with pytest.raises(TemporaryFolderError) as caught:
        USES[use]()
    assert str(caught.value) == (
        f"TMPDIR {gone}: no temporary file can be made (No such file or directory); free "
        "some space, or name another folder"
    )


def test_a_machine_without_any_such_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python finds none that can be written; the lock of a run needs its name."""

    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "gettempdir", none)
    for needs in (temporary_folder, who_measures, ProcessRuntime.require_short_folder):
        with pytest.raises(ConfigError, match=r"^TMPDIR: .*No usable temporary directory"):
            needs()


def test_a_full_disk_is_told() -> None:
    """The reason is that of the system."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(TemporaryFolderError, match=r"\(No space left on device\)"),
        naming_tmpdir(),
    ):
        raise full
