"""Torchvision is imported for models that call its operators, and for no others."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from serving.model.operators import import_operators
from tests.support.suite import ROOT

PROGRAM = """
import sys

import perf.load.jobs.decentralized as jobs
from perf.load.jobs.targets import LocalModel

jobs.prepare(LocalModel(sys.argv[1], "", 1))
print("torchvision" in sys.modules)
"""
CODE = {
    "calls": "  _0 = ops.torchvision.nms(boxes, scores, 0.5)\n",
    "is-named-like-it": "class Net(__torch__.torchvision.models.resnet.ResNet):\n",
}


def checkpoint(folder: Path, code: str) -> Path:
    """Write what `import_operators` reads of a TorchScript file."""
    path = folder / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/code/__torch__.py", code)
    return path


@pytest.mark.slow(reason="imports torch, and once torchvision")
@pytest.mark.parametrize("case", CODE)
def test_only_a_model_that_calls_its_operators_needs_it(case: str, tmp_path: Path) -> None:
    """A job of a ResNet, whose classes have torchvision's name, does not import it."""
    path = checkpoint(tmp_path, CODE[case])
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == str(case == "calls")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    """It raises an error of its own, which names the reason."""
    path = tmp_path / "model.pt"
    path.write_bytes(b"no archive")
    with pytest.raises(zipfile.BadZipFile):
        import_operators(str(path))
