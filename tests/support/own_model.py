"""Fixtures: small models as a user may have them; one of them works, the others do not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serving.model.artifacts import Artifacts, ensure_artifacts
from serving.model.choice import ModelChoice, photographs

# `own.pt` is a classifier of some megabytes. The other models cannot be used.
SCRIPTED = """
import sys, warnings
warnings.simplefilter("ignore")
import torch
from torch import nn

class Pair(nn.Module):
    def forward(self, x):
        return x, x

class Scarce(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

torch.manual_seed(7)
own = nn.Sequential(nn.AdaptiveAvgPool2d(16), nn.Flatten(), nn.Linear(768, 1000))
for name, model in {"own": own, "pair": Pair(), "scarce": Scarce()}.items():
    torch.jit.script(model.eval()).save(f"{sys.argv[1]}/{name}.pt")
torch.save(own.state_dict(), f"{sys.argv[1]}/state.pt")
"""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the models; another process makes them, as torch is slow."""
    folder = tmp_path_factory.mktemp("models")
    program = folder / "script.py"  # torch reads the source code of a model that it scripts
    program.write_text(SCRIPTED, encoding="utf-8")
    subprocess.run([sys.executable, str(program), str(folder)], check=True)
    (folder / "text.pt").write_text("no model", encoding="utf-8")
    (folder / "empty.pt").touch()
    (folder / "short.pt").write_bytes((folder / "own.pt").read_bytes()[:1_000_000])
    return folder


@pytest.fixture(scope="session")
def choice(models: Path) -> ModelChoice:
    """Return the choice of the model that works."""
    return ModelChoice.parse(str(models / "own.pt"), "seeded")


@pytest.fixture(scope="session")
def built(choice: ModelChoice, tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Return its artifacts, in a cache that no test may change."""
    return ensure_artifacts(choice, photographs(), tmp_path_factory.mktemp("built"))


@pytest.fixture
def copied(built: Artifacts, tmp_path: Path) -> Artifacts:
    """Return a copy of them, in a cache that the test may change."""
    entry = built.archive.parent
    mine = shutil.copytree(entry, tmp_path / "cache" / entry.name)
    return replace(
        built,
        archive=mine / built.archive.name,
        checkpoint=mine / built.checkpoint.name,
        preprocess=mine / built.preprocess.name,
    )
