"""Decoding and answering without torch give what torch gives."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, UnidentifiedImageError

from serving.model.choice import photographs
from serving.model.crops import make_crops
from serving.model.standalone.images import Batch, Picture, npy
from serving.work.classification import answer
from tests.support.fakes import RESNET

USES_TORCH = pytest.mark.slow(reason="imports torch and torchvision")


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """The preprocessing of a ResNet, read as a server reads it."""
    path = tmp_path / "preprocess.json"
    path.write_text(RESNET, "utf-8")
    return Picture.read(path)


def by_torchvision(path: Path) -> np.ndarray:
    """Return the array that torchvision makes of an image."""
    from serving.model.standalone.preprocess import (  # noqa: PLC0415 -- imports torch
        Preprocess,
        make_transform,
    )

    with Image.open(path) as image:
        return make_transform(Preprocess.from_json(RESNET))(image).numpy()


@USES_TORCH
@pytest.mark.parametrize("path", photographs(), ids=lambda path: path.stem)
def test_an_image_becomes_the_same_array(picture: Picture, path: Path) -> None:
    """Pillow and NumPy give the same array as torchvision, bit for bit."""
    expected = by_torchvision(path)
    got = picture.array(path.read_bytes())
    assert (str(got.dtype), got.shape) == ("float32", (3, 224, 224))
    assert np.array_equal(got, expected)


@USES_TORCH
@pytest.mark.parametrize("size", [(224, 400), (256, 256), (1000, 257), (31, 97)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_any_image_becomes_the_same_array(
    picture: Picture, tmp_path: Path, size: tuple[int, int], mode: str
) -> None:
    """The same holds for images of any size and colour mode."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).convert(mode).save(path)
    expected = by_torchvision(path)
    assert np.array_equal(picture.array(path.read_bytes()), expected)


def test_a_body_that_is_not_an_image_is_refused(picture: Picture) -> None:
    """Bytes that are not an image raise Pillow's own error."""
    with pytest.raises(UnidentifiedImageError):
        picture.array(json.dumps({}).encode())


def test_an_array_is_taken_as_it_is(picture: Picture) -> None:
    """The model's input that a job has made is used unchanged."""
    body = photographs()[0].read_bytes()
    made = picture.array(body)
    assert np.array_equal(picture.input_of(npy(made)), made)
    assert np.array_equal(picture.input_of(body), made)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 224, 223), np.float32),
        np.zeros((1, 3, 224, 224), np.float32),
        np.zeros((3, 224, 224), np.float64),
        np.array({"a": "pickle"}, dtype=object),
    ],
    ids=["size", "batch", "type", "pickle"],
)
def test_another_array_is_refused(picture: Picture, wrong: np.ndarray) -> None:
    """An array of another shape or type is refused, and nothing is unpickled."""
    body = io.BytesIO()
    np.save(body, wrong)
    with pytest.raises(ValueError, match=r"an array of|allow_pickle=False"):
        picture.input_of(body.getvalue())


@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_keeps_its_order(picture: Picture, threads: int) -> None:
    """With any number of threads the order is kept, and a bad body raises an error."""
    bodies = [path.read_bytes() for path in photographs()] * 2
    batch = Batch(picture, threads)
    expected = np.stack([picture.array(body) for body in bodies])
    assert np.array_equal(batch.inputs(bodies), expected)
    with pytest.raises(UnidentifiedImageError):
        batch.inputs([*bodies, b"no picture"])


@USES_TORCH
@given(
    arrays(
        np.float32, st.integers(5, 50), elements=st.floats(-50, 50, width=32), unique=True
    )
)
@settings(derandomize=True, deadline=None)
def test_the_answer_equals_torchs(logits: np.ndarray) -> None:
    """Softmax and the five likeliest classes, likeliest first, are what torch computes."""
    import torch  # noqa: PLC0415 -- costs seconds

    probabilities = torch.softmax(torch.from_numpy(logits), dim=0)
    values, classes = torch.topk(probabilities, 5)
    got = answer(logits)
    assert sorted(got.values(), reverse=True) == list(got.values())
    assert list(got.values()) == pytest.approx(values.tolist(), abs=1e-6)
    assert logits[[int(name) for name in got]] == pytest.approx(
        logits[classes.numpy()], abs=1e-6
    )


def test_crops_are_distinct_and_the_same_every_time(picture: Picture) -> None:
    """No two crops are equal, none is blank, and another call gives the same crops."""
    crops = make_crops(photographs(), 40, picture, seed=3)
    assert crops.shape == (40, 3, 224, 224)
    assert len({crop.tobytes() for crop in crops}) == 40
    assert all(crop.std() > 0.0 for crop in crops)
    assert np.array_equal(make_crops(photographs(), 40, picture, seed=3), crops)
    assert not np.array_equal(make_crops(photographs(), 40, picture, seed=4), crops)
