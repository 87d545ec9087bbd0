"""The models answer as they should: told apart, the same every time, right of the world."""

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
from serving.runtimes.process import ProcessRuntime
from serving.spec import ServerSpec
from serving.work.classification import Top, answer, differs, parse

_PATIENCE_S = 300.0
# ImageNet's: tabby, tiger cat, Persian, Siamese, Egyptian cat; and espresso.
CATS = range(281, 286)
ESPRESSO = 967


@pytest.fixture(scope="module")
def trained(artifacts: Callable[[str], Artifacts]) -> Artifacts:
    """The model that has seen the world."""
    return artifacts("efficientnet-lite0")


@pytest.fixture(scope="module")
def server(trained: Artifacts) -> Iterator[TorchServeServer]:
    """A TorchServe with that model."""
    model = ServedModel(name=trained.choice.name, archive=trained.archive)
    spec = ServerSpec(workers=1, threads_per_worker=1)
    started = TorchServe().start(model, spec, ProcessRuntime(session_name()))
    yield started
    started.stop()


def _assert_right_of_the_world(answers: dict[str, Top]) -> None:
    """Hold the likeliest classes of kitten and coffee against what they are."""
    likeliest = {Path(image).stem: top[0][0] for image, top in answers.items()}
    assert likeliest["kitten"] in CATS
    assert likeliest["coffee"] == ESPRESSO


def _jobs(module: str, target: object, model: Artifacts) -> dict[str, Top]:
    """Run one job of `module` for each photograph, and return the answers."""
    images = tuple(model.predictions)
    pool = find_pool("forked")(module, {})
    try:
        block = pool.run(BlockRequest(images, 2, _PATIENCE_S, target))
    finally:
        pool.stop()
    assert [record.error for record in block.records] == [""] * len(images)
    return {images[record.image]: record.answer for record in block.records}


@pytest.mark.parametrize("name", ["resnet18", "resnet152"])
def test_seeded_answers_can_be_told_apart(
    artifacts: Callable[[str], Artifacts], name: str
) -> None:
    """Each photograph has a likeliest class of its own, and none a probability near 1."""
    model = artifacts(name)
    assert len(model.predictions) == 5
    assert len({top[0][0] for top in model.predictions.values()}) == 5
    for top in model.predictions.values():
        probabilities = [probability for _, probability in top]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0.01 < probabilities[0] < 0.99
    answers = list(model.predictions.values())
    assert all(differs(a, b) for a in answers for b in answers if a is not b)


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


def test_preprocessing_is_torchserves_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a ResNet both arms see what the stock image classifier would show it."""
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    import torch  # noqa: PLC0415 -- costs seconds: only the tests that need it pay

    from serving.model.standalone.preprocess import make_transform  # noqa: PLC0415 -- imports torch
    from serving.model.zoo import preprocess_for  # noqa: PLC0415 -- so does this

    # As the handler does: or TorchServe's would import torch's compiler.
    sys.modules.setdefault("openvino.torch", None)  # type: ignore[arg-type]
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        # Only importable after serving.model.standalone.preprocess; leaves a file open.
        stock = importlib.import_module("ts.torch_handler.image_classifier")
        gc.collect()
    ours = make_transform(preprocess_for(ModelChoice.parse("resnet152", "seeded")))
    for path in photographs():
        with Image.open(path) as picture:
            assert torch.equal(
                ours(picture), stock.ImageClassifier.image_processing(picture)
            )


def test_trained_model_is_right_in_this_process(trained: Artifacts) -> None:
    """Decentralised, here: the kitten is a cat and the coffee an espresso."""
    from serving.model.predict import logits_of  # noqa: PLC0415 -- imports torch
    from serving.model.standalone.preprocess import Preprocess  # noqa: PLC0415 -- so does this
    from serving.model.zoo import load_script  # noqa: PLC0415 -- and this

    module = load_script(trained.checkpoint, option="--perf-model")
    pre = Preprocess.from_json(trained.preprocess.read_text("utf-8"))
    answers = {
        str(path): parse(answer(logits_of(module, path, pre))) for path in photographs()
    }
    _assert_right_of_the_world(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""


def test_trained_model_is_right_in_jobs(trained: Artifacts) -> None:
    """Decentralised, as it is measured: each job loads the model and answers rightly."""
    target = LocalModel(str(trained.checkpoint), str(trained.preprocess), 1)
    answers = _jobs("perf.load.jobs.decentralized", target, trained)
    _assert_right_of_the_world(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""


def test_trained_model_is_right_through_torchserve(
    trained: Artifacts, server: TorchServeServer
) -> None:
    """Centralised, as it is measured: the server's answers are right, and the same."""
    target = Address(server.host, server.port, server.predict_path, _PATIENCE_S)
    answers = _jobs("perf.load.jobs.client", target, trained)
    _assert_right_of_the_world(answers)
    for image, top in answers.items():
        assert differs(top, trained.predictions[image]) == ""
