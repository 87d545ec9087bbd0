"""Engines: each computes the checkpoint's answers within the tolerance it declares."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perf.machine.facts import read_machine
from serving.engines import DEFAULT, ENGINES, Engine, find_engine
from serving.errors import ArtifactError, ConfigError, EngineError
from serving.model import converted as room
from serving.model.artifacts import Artifacts
from serving.model.cache import build
from serving.model.choice import photographs
from serving.model.converted import Converted, ensure_converted
from serving.model.requests import EnginePredictRequest
from serving.work import CLASSIFICATION
from serving.work.classification import differs, parse

OTHERS = [engine for engine in ENGINES.values() if engine.name != DEFAULT]


@pytest.fixture(scope="module", params=OTHERS, ids=lambda engine: engine.name)
def made(
    request: pytest.FixtureRequest, artifacts: Callable[[str], Artifacts], cache: Path
) -> Converted:
    """The smaller ResNet, converted for one of the engines."""
    engine: Engine = request.param
    if refusal := engine.refusal(read_machine().instruction_sets):
        pytest.skip(refusal)
    return ensure_converted(artifacts("resnet18"), engine, photographs(), cache)


def test_an_exact_engine_has_the_checkpoints_answers(
    made: Converted, artifacts: Callable[[str], Artifacts], tmp_path: Path
) -> None:
    """An engine in fp32 has the checkpoint's predictions, to within a thousandth.

    An engine of lower precision has its own.
    """
    model, target = artifacts("resnet18"), tmp_path / "answers.json"
    engine, folder = made.engine, made.folder
    request = EnginePredictRequest(
        engine, CLASSIFICATION, folder, model.preprocess, photographs(), target
    )
    build(request)
    answers = json.loads(target.read_text("utf-8"))
    assert set(answers) == set(map(str, photographs()))
    for path, raw in answers.items():
        assert not differs(parse(raw), made.predictions[path], made.engine.tolerance)
        if made.engine.exact:
            assert made.predictions[path] == model.predictions[path]


def test_agreement_is_counted(made: Converted) -> None:
    """It is counted on at least 200 images; an exact engine always finds the same class.

    Weights from a seed are the worst case for lower precision, because their margins
    between classes are smaller than trained ones. By chance one image in a thousand agrees.
    """
    assert made.agreement is not None
    assert made.agreement.pictures >= 200
    least = {"fp32": 1.0, "bf16": 0.8, "int8": 0.3}[made.engine.precision]
    assert least <= made.agreement.top1 <= 1.0


def test_it_is_converted_once(
    made: Converted,
    artifacts: Callable[[str], Artifacts],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second call finds everything in the cache, and starts no process."""

    def refused(*_arguments: object) -> None:
        raise AssertionError("nothing had to be built")

    monkeypatch.setattr("serving.model.cache.Child", refused)
    again = ensure_converted(artifacts("resnet18"), made.engine, photographs(), cache)
    assert again == made
    names = {"engine.py", "images.py", "work.py", "preprocess.json"}
    assert names < again.files.keys()
    assert all(path.is_file() for path in (*again.files.values(), again.archive))


def test_the_checkpoint_itself_needs_no_conversion(
    artifacts: Callable[[str], Artifacts], tmp_path: Path
) -> None:
    """The article's engine reads the checkpoint itself; nothing is written."""
    model = artifacts("resnet18")
    made = ensure_converted(model, find_engine(DEFAULT), photographs(), tmp_path)
    assert made.files["model.pt"] == model.checkpoint
    assert (made.archive, made.agreement) == (model.archive, None)
    assert made.predictions == model.predictions
    assert not any(tmp_path.iterdir())


def test_a_missing_package_is_named(
    artifacts: Callable[[str], Artifacts], tmp_path: Path
) -> None:
    """The message names the package, and the tox environment that has it."""
    engine = replace(find_engine("openvino"), packages=("openvino-of-tomorrow",))
    with pytest.raises(ConfigError, match=r"openvino-of-tomorrow is not installed; tox -e"):
        ensure_converted(artifacts("resnet18"), engine, photographs(), tmp_path)


def test_a_model_that_an_engine_does_not_take_is_refused(
    artifacts: Callable[[str], Artifacts], tmp_path: Path
) -> None:
    """The message has the engine's reason, and nothing is left in the cache.

    It is no ArtifactError, which would end the run: other engines may take the model.
    """
    none = tmp_path / "none.pt"
    none.write_bytes(b"no model")
    model = replace(artifacts("resnet18"), checkpoint=none)
    cache = tmp_path / "cache"
    with pytest.raises(EngineError, match="engine openvino: it does not take the model"):
        ensure_converted(model, find_engine("openvino"), photographs(), cache)
    assert not any(cache.iterdir())


def test_a_damaged_entry_is_named(
    artifacts: Callable[[str], Artifacts],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message names the file that has changed, and the remedy."""
    engine = find_engine("openvino")
    made = ensure_converted(artifacts("resnet18"), engine, photographs(), cache)
    copy = tmp_path / made.folder.name
    copy.mkdir()
    for file in made.folder.iterdir():
        (copy / file.name).symlink_to(file)
    (copy / "model.bin").unlink()
    (copy / "model.bin").write_bytes(b"short")
    monkeypatch.setattr(room, "ensure_entry", lambda *_: None)
    with pytest.raises(ArtifactError, match=r"model\.bin is damaged: delete"):
        ensure_converted(artifacts("resnet18"), engine, photographs(), tmp_path)


def test_a_precision_that_the_cpu_lacks_is_refused() -> None:
    """The reason names what is needed and what the CPU has; fp32 runs anywhere."""
    engine = find_engine("openvino-bf16")
    assert engine.refusal(("avx512", "bf16")) == ""
    assert engine.refusal(("avx512", "vnni")) == (
        "engine openvino-bf16 needs bf16; this CPU has avx512, vnni"
    )
    assert find_engine(DEFAULT).refusal(()) == ""


def test_a_card_computes_what_its_engine_can_and_no_cpu_needs() -> None:
    """Instruction sets do not matter on a card; an engine for CPUs only says so."""
    assert find_engine("torchscript-bf16").refusal((), "cuda") == ""
    assert find_engine("onnxruntime").refusal((), "cuda") == (
        "engine onnxruntime computes on the cpu only"
    )


def test_an_unknown_engine_is_refused() -> None:
    """The message has the names of all engines."""
    with pytest.raises(ConfigError, match=r"engine steam: no such engine; known: torchs"):
        find_engine("steam")
