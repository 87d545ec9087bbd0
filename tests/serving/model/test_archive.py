"""The archive for TorchServe holds every file, wherever the files lie."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("model_archiver")

from serving.model.archive import archive

MANIFEST = "MAR-INF/MANIFEST.json"


@pytest.fixture(params=["plain", "a,b", "x[y]z", "all*", "with space "])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the files of a model; some names are patterns for the archiver."""
    made = tmp_path / str(request.param)
    made.mkdir()
    for name in ("handler.py", "preprocess.json", "engine, 1.py"):
        (made / name).write_text(name, encoding="utf-8")
    (made / "weights").write_text("weights", encoding="utf-8")
    (made / "model.pt").symlink_to("weights")
    return made


def packed(folder: Path, target: Path) -> dict[str, str]:
    """Pack the files of `folder` into `target`, and return what the archive holds."""
    archive(
        "model",
        folder / "handler.py",
        [folder / "preprocess.json", folder / "engine, 1.py"],
        target,
        checkpoint=folder / "model.pt",
    )
    with zipfile.ZipFile(target / "model.mar") as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def test_every_file_is_in_it_with_its_content(folder: Path) -> None:
    """Commas and signs of patterns in a path are no more than that; links are followed."""
    held = packed(folder, folder)
    about = json.loads(held.pop(MANIFEST))["model"]
    assert (about["handler"], about["serializedFile"]) == ("handler.py", "model.pt")
    others = ("handler.py", "preprocess.json", "engine, 1.py")
    assert held == {**{name: name for name in others}, "model.pt": "weights"}


def test_paths_may_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of the working folder before, which is the same afterwards."""
    (folder / "target").mkdir()
    monkeypatch.chdir(folder)
    assert len(packed(Path(), Path("target"))) == 5
    assert Path.cwd() == folder
    assert list(Path("target").iterdir()) == [Path("target", "model.mar")]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """An archive without it would fail only in the server; nothing stays of this one."""
    handler = tmp_path / "handler.py"
    handler.touch()
    with pytest.raises(FileNotFoundError):
        archive("model", handler, [tmp_path / "gone"], tmp_path)
    assert list(tmp_path.iterdir()) == [handler]


def test_the_temporary_folder_is_as_before(folder: Path) -> None:
    """The archiver has one of its own, of which nothing stays."""
    before = tempfile.gettempdir()
    packed(folder, folder)
    assert tempfile.gettempdir() == before
    assert not (folder / "packing").exists()
