"""The head of a report: the options that choose the model again."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.experiment.header import described, model_options
from serving.model.choice import ModelChoice


@pytest.mark.parametrize(
    ("name", "weights", "options"),
    [
        ("resnet152", "seeded", ()),
        ("resnet18", "seeded", ("--perf-model", "resnet18")),
        ("resnet152", "pretrained", ("--perf-weights", "pretrained")),
        (
            "resnet18",
            "pretrained",
            ("--perf-model", "resnet18", "--perf-weights", "pretrained"),
        ),
        ("efficientnet-lite0", "seeded", ("--perf-model", "efficientnet-lite0")),
    ],
)
def test_options_choose_the_model_again(
    name: str, weights: str, options: tuple[str, ...]
) -> None:
    """They are what differs from a profile that measures resnet152."""
    assert model_options(ModelChoice.parse(name, weights), "resnet152") == options


def test_a_users_model_is_named_by_its_whole_path(tmp_path: Path) -> None:
    """The path is absolute, so the options hold in any folder."""
    path = tmp_path / "mine.pt"
    path.touch()
    choice = ModelChoice.parse(str(path), "seeded")
    assert model_options(choice, "resnet152") == ("--perf-model", str(path))


def test_two_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The history keeps their results apart by what the report calls them."""
    path = tmp_path / "mine.pt"
    path.write_bytes(b"one")
    choice = ModelChoice.parse(str(path), "seeded")
    one = described(choice)
    path.write_bytes(b"another")
    assert described(choice) != one
    assert one.startswith("mine (sha256 7692c3ad3540)")
    assert described(ModelChoice.parse("resnet18", "seeded")) == "resnet18 (seeded weights)"
