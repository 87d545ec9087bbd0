"""What cannot be built gives one line, and nothing of it is left in the cache."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.child import Child
from serving.errors import ArtifactError
from serving.model import cache as room
from serving.model.artifacts import Artifacts, ensure_artifacts
from serving.model.choice import ModelChoice, photographs
from serving.model.requests import BuildRequest, PredictRequest
from serving.work import CLASSIFICATION
from tests.support.fakes import wait_until

pytest_plugins = ("tests.support.own_model",)

_ROOT = Path(__file__).parents[3]
_PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def builder() -> Iterator[Child]:
    """One builder for all requests; it must refuse them and stay alive."""
    child = Child("serving.model.build")
    yield child
    child.stop()


@pytest.mark.parametrize("name", ["text", "empty", "short", "state"])
def test_file_that_is_not_torchscript(
    builder: Child, models: Path, tmp_path: Path, name: str
) -> None:
    """Text, an empty file, half a file, bare weights: one line with option and file."""
    path = models / f"{name}.pt"
    choice = ModelChoice.parse(str(path), "seeded")
    with pytest.raises(ArtifactError) as caught:
        builder.call(BuildRequest(choice, tmp_path), _PATIENCE_S)
    told = f"--perf-model {path}: not a TorchScript file ("
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pair", "scarce"])
def test_model_that_does_not_classify(
    builder: Child, built: Artifacts, models: Path, tmp_path: Path, name: str
) -> None:
    """A model whose output is not classes is refused before anything is measured."""
    request = PredictRequest(
        checkpoint=models / f"{name}.pt",
        preprocess=built.preprocess,
        work=CLASSIFICATION,
        images=photographs()[:1],
        target=tmp_path / "predictions",
    )
    with pytest.raises(ArtifactError, match=r"^--perf-model: the model does not classify"):
        builder.call(request, _PATIENCE_S)


# The header of an enormous image, without any pixels.
BOMB = b"P6 100000 100000 255\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not an image"),
        (b"no picture", "is not an image"),
        (photographs()[0].read_bytes()[:5000], "cannot be read"),
        (b"P6 10 10 none\n" + bytes(300), "cannot be read"),
        (BOMB, "cannot be read"),
    ],
    ids=["empty", "text", "truncated", "header", "bomb"],
)
def test_file_that_is_not_an_image(
    builder: Child, built: Artifacts, tmp_path: Path, content: bytes, complaint: str
) -> None:
    """The message names the file and the option, whatever is wrong with the image."""
    image = tmp_path / "image.jpg"
    image.write_bytes(content)
    request = PredictRequest(
        checkpoint=built.checkpoint,
        preprocess=built.preprocess,
        work=CLASSIFICATION,
        images=(image,),
        target=tmp_path / "predictions",
    )
    with pytest.raises(ArtifactError, match=rf"^--perf-images: {image} {complaint}"):
        builder.call(request, _PATIENCE_S)
    assert not request.target.exists()


def test_bad_image_leaves_the_cache_as_it_was(copied: Artifacts, tmp_path: Path) -> None:
    """One bad image among good ones raises ArtifactError; the entry stays valid."""
    entry = copied.archive.parent
    before = set(entry.iterdir())
    bad = tmp_path / "notes.txt"
    bad.write_text("no picture", encoding="utf-8")
    with pytest.raises(ArtifactError, match=f"^--perf-images: {bad} is not an image$"):
        ensure_artifacts(copied.choice, (*photographs(), bad), entry.parent)
    assert set(entry.iterdir()) == before
    assert ensure_artifacts(copied.choice, photographs(), entry.parent) == copied


def _builder_with_files_up_to(size_bytes: int) -> Callable[..., Child]:
    def start(*arguments: Any) -> Child:  # noqa: ANN401 -- passed on
        child = Child(*arguments)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))
        return child

    return start


@pytest.mark.parametrize("stage", ["checkpoint", "archive"])
def test_full_disk(
    built: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Where a file cannot grow, the cache is named, and nothing is left in it."""
    whole = built.checkpoint.stat().st_size
    limit = {"checkpoint": whole // 2, "archive": whole}[stage]
    monkeypatch.setattr(room, "Child", _builder_with_files_up_to(limit))
    cache = tmp_path / "cache"
    with pytest.raises(ArtifactError) as caught:
        ensure_artifacts(built.choice, photographs(), cache)
    assert str(caught.value).startswith(f"--perf-cache: no space left in {cache} while ")
    assert "\n" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_full_disk_while_predicting(
    copied: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for the predictions; the entry stays as it was."""
    entry = copied.archive.parent
    before = set(entry.iterdir())
    monkeypatch.setattr(room, "Child", _builder_with_files_up_to(10))
    with pytest.raises(
        ArtifactError, match=f"--perf-cache: no space left in {entry.parent}"
    ):
        ensure_artifacts(copied.choice, photographs()[:2], entry.parent)
    assert set(entry.iterdir()) == before


def test_interrupted_build_leaves_nothing(choice: ModelChoice, tmp_path: Path) -> None:
    """Ctrl-C during a build leaves neither an entry nor a part of one."""
    assert choice.path is not None
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from serving.model.artifacts import ensure_artifacts\n"
        "from serving.model.choice import ModelChoice\n"
        "choice = ModelChoice.parse(sys.argv[1], 'seeded')\n"
        "ensure_artifacts(choice, (), Path(sys.argv[2]))\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(choice.path), str(tmp_path)],
        cwd=_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: any(tmp_path.glob(".building-*")), "the start of the build")
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=_PATIENCE_S)
    assert run.returncode != 0
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert list(tmp_path.iterdir()) == []


def test_interrupt_at_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C right after the folder was made leaves nothing either."""
    make = Path.mkdir

    def interrupted(folder: Path, **kwargs: bool) -> None:
        make(folder, **kwargs)
        if folder.name.startswith(".building-"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt):
        room.ensure_entry(tmp_path / "entry", lambda folder: folder)
    assert list(tmp_path.iterdir()) == []
