"""The models' answers differ, are the same every time, and are true where trained."""

from __future__ import annotations

import gc
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from perf.load.jobs.targets import Address, LocalModel
from perf.load.pools.registry import find_pool
from perf.load.record import BlockRequest
from perf.machine.lock import session_name
from serving.backends.base import ServedModel
from serving.backends.torchserve import TorchServe, TorchServeServer
from serving.model.artifacts import Artifacts
from serving.model.cache import build, sha256
from serving.model.choice import ModelChoice, photographs
from serving.model.requests import BuildRequest
from serving.model.standalone.images import Picture
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from serving.work.classification import Top, answer, differs, parse

_PATIENCE_S = 300.0
# Classes of ImageNet: tabby, tiger cat, Persian, Siamese, Egyptian cat; and espresso.
CATS = range(281, 286)
ESPRESSO = 967


@pytest.fixture(scope="module")
def trained(artifacts: Callable[[str], Artifacts]) -> Artifacts:
    """The model with trained weights."""
    return artifacts("efficientnet-lite0")


@pytest.fixture(scope="module")
def server(trained: Artifacts) -> Iterator[TorchServeServer]:
    """A TorchServe with the trained model."""
    model = ServedModel(name=trained.choice.name, archive=trained.archive)
    spec = ServerSpec(workers=1, threads_per_worker=1)
    started = TorchServe().start(model, spec, ProcessRuntime(session_name()))
    yield started
    started.stop()


def _assert_true(answers: dict[str, Top]) -> None:
    """Assert that the kitten is a cat and the coffee an espresso."""
    likeliest = {Path(image).stem: top[0][0] for image, top in answers.items()}
    assert likeliest["kitten"] in CATS
    assert likeliest["coffee"] == ESPRESSO


def _jobs(module: str, target: object, model: Artifacts) -> dict[str, Top]:
    """Run one job of `module` for each image, and return the answers."""
    images = tuple(model.predictions)
    pool = find_pool("forked")(module, {})
    try:
        block = pool.run(BlockRequest(images, 2, _PATIENCE_S, target))
    finally:
        pool.stop()
    assert [record.error for record in block.records] == [""] * len(images)
    return {images[record.image]: record.answer for record in block.records}


@pytest.mark.parametrize("name", ["resnet18", "resnet152"])
def test_seeded_answers_differ(artifacts: Callable[[str], Artifacts], name: str) -> None:
    """Each image has another likeliest class, and no probability is near 1."""
    model = artifacts(name)
    assert len(model.predictions) == 5
    assert len({top[0][0] for top in model.predictions.values()}) == 5
    for top in model.predictions.values():
        probabilities = [probability for _, probability in top]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0.01 < probabilities[0] < 0.99
    answers = list(model.predictions.values())
    assert all(differs(a, b) for a in answers for b in answers if a is not b)


@pytest.mark.slow(reason="makes two models")
def test_seeded_weights_are_the_same_every_time(tmp_path: Path) -> None:
    """Two processes build the same checkpoint, to the byte."""
    choice = ModelChoice.parse("resnet18", "seeded")

    def made(name: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        build(BuildRequest(choice, folder))
        return sha256(folder / "resnet18.pt")

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(made, ["one", "other"])
    assert one == other


@pytest.mark.slow(reason="imports torch and TorchServe")
def test_preprocessing_is_torchserves_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ResNet gets the same input as from TorchServe's stock image classifier."""
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    import torch  # noqa: PLC0415 -- takes seconds

    from serving.model.standalone.preprocess import make_transform  # noqa: PLC0415 -- imports torch
    from serving.model.zoo import preprocess_for  # noqa: PLC0415 -- imports torch

    # As in the handler: otherwise TorchServe's would import torch's compiler.
    sys.modules.setdefault("openvino.torch", None)  # type: ignore[arg-type]  # -- None blocks an import
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        # Can be imported only after `preprocess`; leaves a file open.
        stock = importlib.import_module("ts.torch_handler.image_classifier")
        gc.collect()
    ours = make_transform(preprocess_for(ModelChoice.parse("resnet152", "seeded")))
    for path in photographs():
        with Image.open(path) as picture:
            assert torch.equal(
                ours(picture), stock.ImageClassifier.image_processing(picture)
            )


def test_trained_model_is_true_in_this_process(trained: Artifacts) -> None:
    """Computed in this process, the kitten is a cat and the coffee an espresso."""
    from serving.model.predict import logits_of  # noqa: PLC0415 -- imports torch
    from serving.model.zoo import load_script  # noqa: PLC0415 -- imports torch

    module = load_script(trained.checkpoint, option="--perf-model")
    picture = Picture.read(trained.preprocess)
    answers = {
        str(path): parse(answer(logits_of(module, path, picture))) for path in photographs()
    }
    _assert_true(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""


def test_trained_model_is_true_in_jobs(trained: Artifacts) -> None:
    """Jobs of the decentralised arm, which load the model, give the same answers."""
    target = LocalModel(str(trained.checkpoint), str(trained.preprocess), 1)
    answers = _jobs("perf.load.jobs.decentralized", target, trained)
    _assert_true(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""


def test_trained_model_is_true_through_torchserve(
    trained: Artifacts, server: TorchServeServer
) -> None:
    """Jobs of the centralised arm, which ask TorchServe, give the same answers."""
    target = Address(server.host, server.port, server.predict_path, _PATIENCE_S)
    answers = _jobs("perf.load.jobs.client", target, trained)
    _assert_true(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""
