"""The cache of models: entries are built once, complete or not at all, and checked."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from serving.errors import ArtifactError, ConfigError
from serving.model import artifacts as making
from serving.model import cache as room
from serving.model.artifacts import Artifacts, ensure_artifacts, predictions_in
from serving.model.cache import BUILD_TIMEOUT_S
from serving.model.choice import ModelChoice, photographs
from serving.model.requests import BuildRequest, PredictRequest
from serving.work import CLASSIFICATION, Answer

pytest_plugins = ("tests.support.own_model",)


@pytest.fixture
def no_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is built or predicted."""

    def refused(*_: object) -> None:
        raise AssertionError("a builder was started")

    monkeypatch.setattr(room, "Child", refused)


def _ensure(made: Artifacts, images: tuple[Path, ...] = photographs()) -> Artifacts:
    return ensure_artifacts(made.choice, images, made.archive.parents[1])


@pytest.mark.usefixtures("no_builder")
def test_second_call_builds_nothing(built: Artifacts) -> None:
    """An entry that exists is used as it is; its files are not touched."""
    entry = built.archive.parent
    before = {path: path.stat() for path in entry.iterdir()}
    assert _ensure(built) == built
    after = {path: path.stat() for path in entry.iterdir()}
    assert {p: (s.st_ino, s.st_mtime_ns) for p, s in after.items()} == {
        p: (s.st_ino, s.st_mtime_ns) for p, s in before.items()
    }


def test_own_model_is_ready_to_be_served(built: Artifacts, models: Path) -> None:
    """A user's model gets checkpoint, archive, and five classes for each image."""
    assert built.choice.path == models / "own.pt"
    assert built.digest == room.sha256(built.checkpoint)
    assert built.checkpoint.stat().st_size > 768 * 1000 * 4
    assert built.archive.stat().st_size > built.checkpoint.stat().st_size
    assert set(built.predictions) == {str(path) for path in photographs()}
    for top in built.predictions.values():
        assert len({name for name, _ in top}) == 5
        assert [p for _, p in top] == sorted((p for _, p in top), reverse=True)


def test_others_can_read_an_entry(built: Artifacts) -> None:
    """A container's user, who is unknown here, may enter the folder and read the files."""
    entry = built.archive.parent
    assert entry.stat().st_mode & 0o777 == 0o755
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in entry.iterdir())


def test_key_covers_what_goes_into_an_entry(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model, weights, file content, image or version gives another entry."""
    own = tmp_path / "own.pt"
    shutil.copy(models / "own.pt", own)

    def keys() -> list[str]:
        chosen = [("resnet18", "seeded"), ("resnet152", "seeded"), (str(own), "seeded")]
        chosen += [("resnet18", "pretrained"), ("efficientnet-lite0", "seeded")]
        return [making._key(ModelChoice.parse(*pair)) for pair in chosen]

    before = keys()
    assert len(set(before)) == len(before)
    assert keys() == before
    own.write_bytes(b"another")
    assert _differ(before, keys()) == [2]
    shutil.copy(models / "own.pt", own)
    with monkeypatch.context() as patch:
        patch.setattr(making, "photographs", lambda: photographs()[1:])
        assert _differ(before, keys()) == [0, 1]
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda _name: "another")
        assert _differ(before, keys()) == [0, 1, 2, 3, 4]
    assert keys() == before


def _differ(before: list[str], after: list[str]) -> list[int]:
    pairs = zip(before, after, strict=True)
    return [n for n, (old, new) in enumerate(pairs) if old != new]


@pytest.mark.usefixtures("no_builder")
@pytest.mark.parametrize("name", ["own.mar", "own.pt", "preprocess.json"])
def test_truncated_file_is_found(copied: Artifacts, name: str) -> None:
    """The message names the file that is too short, and the remedy."""
    damaged = copied.archive.parent / name
    os.truncate(damaged, damaged.stat().st_size - 1)
    with pytest.raises(ArtifactError) as caught:
        _ensure(copied)
    assert str(caught.value) == (
        f"{damaged} is damaged: delete {damaged.parent}, or name another folder with "
        "--perf-cache"
    )


@pytest.mark.usefixtures("no_builder")
@pytest.mark.parametrize("name", ["own.mar", "own.pt", "preprocess.json", "manifest.json"])
def test_missing_file_is_found(copied: Artifacts, name: str) -> None:
    """The same holds for a file that is missing."""
    missing = copied.archive.parent / name
    missing.unlink()
    with pytest.raises(ArtifactError, match=f"^{missing} is damaged.*--perf-cache"):
        _ensure(copied)


@pytest.mark.usefixtures("no_builder")
@pytest.mark.parametrize(
    "text", ["", '{"own.pt": "4d', "[]", "7", "null", "{}", '{"own.pt": 7}', "\udcff"]
)
def test_garbage_manifest_is_found(copied: Artifacts, text: str) -> None:
    """A manifest that cannot be read gives one line, not a traceback."""
    entry = copied.archive.parent
    (entry / "manifest.json").write_text(text, "utf-8", errors="surrogateescape")
    with pytest.raises(ArtifactError) as caught:
        _ensure(copied)
    assert str(entry) in str(caught.value)
    assert str(caught.value).endswith(
        f"delete {entry}, or name another folder with --perf-cache"
    )


@pytest.mark.usefixtures("no_builder")
@pytest.mark.parametrize("text", ["", "[]", "{}", "truncated", "unpaired"])
def test_garbage_predictions_are_found(copied: Artifacts, text: str) -> None:
    """Predictions that cannot be read give one line, and are not used."""
    (predictions,) = copied.archive.parent.glob("predictions-*.json")
    whole = predictions.read_text("utf-8")
    unpaired = {path: [281, 0.5] for path in copied.predictions}
    known = {"truncated": whole[:-20], "unpaired": json.dumps(unpaired)}
    predictions.write_text(known.get(text, text), encoding="utf-8")
    with pytest.raises(ArtifactError, match=f"^{predictions} is damaged.*--perf-cache"):
        _ensure(copied)


@pytest.mark.usefixtures("no_builder")
def test_image_that_is_not_there(copied: Artifacts, tmp_path: Path) -> None:
    """An image that is missing raises ArtifactError with its path."""
    absent = tmp_path / "absent.jpg"
    with pytest.raises(ArtifactError, match=rf"^--perf-images: .*{absent}"):
        _ensure(copied, (absent,))


@pytest.mark.parametrize(
    ("model", "weights", "complaint"),
    [
        ("resnet19", "seeded", "--perf-model resnet19: no such model; known: resnet152"),
        ("", "seeded", "--perf-model : no such model"),
        ("resnet18", "sown", "--perf-weights sown: no such weights; known: seeded"),
        ("/absent/own.pt", "seeded", "--perf-model /absent/own.pt: there is no such file"),
        ("/absent/own.onnx", "seeded", "--perf-model /absent/own.onnx: no such model"),
    ],
)
def test_unknown_model(model: str, weights: str, complaint: str) -> None:
    """An unknown model, weights or file raises ConfigError with the option."""
    with pytest.raises(ConfigError) as caught:
        ModelChoice.parse(model, weights)
    assert str(caught.value).startswith(complaint)


def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    """A folder with a model's name is not a file."""
    folder = tmp_path / "folder.pt"
    folder.mkdir()
    with pytest.raises(ConfigError, match=f"--perf-model {folder}: there is no such file"):
        ModelChoice.parse(str(folder), "seeded")


@pytest.mark.usefixtures("no_builder")
def test_cache_that_cannot_be_written(choice: ModelChoice, tmp_path: Path) -> None:
    """A cache that is a file, or cannot be written, raises ConfigError with its path."""
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below", Path("/proc")):
        with pytest.raises(ConfigError, match=f"^--perf-cache {folder}: cannot be "):
            ensure_artifacts(choice, (), folder)


class _Instant:
    """A builder that writes its files at once, then calls `and_then`."""

    def __init__(self, and_then: Callable[[], object] = lambda: None) -> None:
        self._and_then = and_then

    def __call__(self, *_: object) -> _Instant:
        return self

    def call(self, request: object, _timeout_s: float) -> None:
        """Write the files."""
        if isinstance(request, BuildRequest):
            for name in ("own.pt", "own.mar", "preprocess.json"):
                (request.folder / name).write_text("new", encoding="utf-8")
            self._and_then()
        else:
            assert isinstance(request, PredictRequest)
            request.target.write_text("{}", encoding="utf-8")

    def stop(self) -> None:
        """Do nothing."""


def test_killed_builds_are_cleared_away(
    choice: ModelChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next build removes what a killed one has left, but not a build that may run."""
    monkeypatch.setattr(room, "Child", _Instant())
    killed, running = tmp_path / ".building-killed", tmp_path / ".building-running"
    for folder in (killed, running):
        folder.mkdir()
        (folder / "own.pt").write_text("half", encoding="utf-8")
    ago_s = time.time() - 3 * BUILD_TIMEOUT_S
    os.utime(killed, (ago_s, ago_s))
    made = ensure_artifacts(choice, (), tmp_path)
    assert set(tmp_path.iterdir()) == {running, made.archive.parent}


def test_an_entry_of_a_faster_program_is_used(
    choice: ModelChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another program has built the same entry meanwhile, that one is used."""
    others: list[Artifacts] = []

    def build_too() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(room, "Child", _Instant())
            others.append(ensure_artifacts(choice, (), tmp_path))

    monkeypatch.setattr(room, "Child", _Instant(and_then=build_too))
    assert [ensure_artifacts(choice, (), tmp_path)] == others
    assert list(tmp_path.iterdir()) == [others[0].archive.parent]


def test_two_programs_may_predict_the_same_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one still finds its own file."""
    (image,) = images = (tmp_path / "image.jpg",)
    image.write_bytes(b"x")
    answers = json.dumps({str(image): {"7": 0.5}})
    others: list[object] = []

    def predicted() -> dict[str, Answer]:
        return making.predictions_in(
            tmp_path, images, CLASSIFICATION, "digest", lambda target: target
        )

    def build(target: object) -> None:
        if not others:
            others.append(target)
            predicted()
        assert isinstance(target, Path)
        target.write_text(answers, encoding="utf-8")

    monkeypatch.setattr(making, "build", build)
    assert predicted() == {str(image): ((7, 0.5),)}
    assert len(list(tmp_path.glob("*predict*"))) == 1


def test_disk_that_fills_at_the_end(
    choice: ModelChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the last step fails, the cache is named, and nothing is left in it."""

    def vanish() -> None:
        for folder in tmp_path.glob(".building-*"):
            shutil.rmtree(folder)

    monkeypatch.setattr(room, "Child", _Instant(and_then=vanish))
    with pytest.raises(ArtifactError, match=f"^--perf-cache: {tmp_path} cannot be written"):
        ensure_artifacts(choice, (), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_builder")
@pytest.mark.parametrize(
    ("name", "why"), [("gone.jpg", "No such file or directory"), ("", "Is a directory")]
)
def test_an_image_that_cannot_be_read_is_named(name: str, why: str, tmp_path: Path) -> None:
    """Before anything is predicted; the reason is that of the system."""
    image = tmp_path / name
    with pytest.raises(ArtifactError) as caught:
        predictions_in(tmp_path, [image], CLASSIFICATION, "model", lambda part: part)
    assert str(caught.value) == f"--perf-images: {image} cannot be read ({why})"
