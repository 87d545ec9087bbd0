"""The engines that a row of the table can name. An engine computes the model.

A row chooses its engine; any backend can run it. Each engine is one file of this folder.
It imports nothing of this project, because it is copied to where a server runs. It has two
functions:

    convert(checkpoint, variant, calibration, folder)
    load(folder, variant, threads, device) -> Predict

`convert` writes into the empty `folder` the files that `load` reads. `calibration` holds
images, float32 of shape (n, 3, height, width). `Predict` takes such a batch and returns its
logits, float32 of shape (n, classes).
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.device import DEVICES, Device
from serving.errors import ConfigError

Floats = NDArray[np.float32]
Predict = Callable[[Floats], Floats]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One way to compute a model: a file of this folder, and what it declares."""

    name: str
    module: str
    """Its file in this folder, without .py."""
    variant: str = ""
    """The argument that tells the file which of its engines is meant."""
    precision: str = "fp32"
    packages: tuple[str, ...] = ()
    """The distributions that it needs besides torch, to convert or to run."""
    requirements: tuple[str, ...] = ()
    """The requirement files, in serving/, that running it needs."""
    compiler: bool = False
    """Whether converting needs a C++ compiler."""
    needs: str | None = None
    """The instruction set without which a CPU cannot compute in this precision."""
    devices: tuple[Device, ...] = ("cpu",)
    tolerance: float = 1e-3
    """How far two of its answers for one image may differ, as a probability.

    They differ because batches of different sizes are rounded differently.
    """

    @property
    def source(self) -> Path:
        """The file that is copied to where a server runs."""
        return _FOLDER / f"{self.module}.py"

    @property
    def exact(self) -> bool:
        """Whether its answers equal the checkpoint's, except for rounding."""
        return self.precision == "fp32"

    def refusal(self, instruction_sets: Collection[str], device: Device = "cpu") -> str:
        """Return why `device` cannot run it, or an empty string where it can.

        `instruction_sets` are the CPU's.
        """
        if device not in self.devices:
            return f"engine {self.name} computes on the {' or '.join(self.devices)} only"
        if self.compiler and not shutil.which(compiler := os.environ.get("CXX", "g++")):
            return f"engine {self.name} needs a C++ compiler; {compiler} is not on PATH"
        if device != "cpu" or self.needs is None or self.needs in instruction_sets:
            return ""
        known = ", ".join(instruction_sets) or "none that the suite knows"
        return f"engine {self.name} needs {self.needs}; this CPU has {known}"

    def convert(self, checkpoint: Path, calibration: Floats, folder: Path) -> None:
        """Write the files that `load` reads. Raises what the engine raises."""
        self._imported().convert(checkpoint, self.variant, calibration, folder)

    def load(self, folder: Path, threads: int, device: Device = "cpu") -> Predict:
        """Return the model as a function, to be called in this process."""
        loaded: Predict = self._imported().load(folder, self.variant, threads, device)
        return loaded

    def _imported(self) -> Any:  # noqa: ANN401 -- a module with the functions named above
        return importlib.import_module(f"{__name__}.{self.module}")


DEFAULT = "torchscript"
_COARSE = 0.02  # the tolerance of bf16 and int8
_REQUIREMENTS = "requirements-engines.txt"
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(name=DEFAULT, module="torchscript", devices=DEVICES),
        Engine(
            name="torchscript-frozen",
            module="torchscript",
            variant="frozen",
            devices=DEVICES,
        ),
        Engine(
            name="torchscript-bf16",
            module="torchscript",
            variant="bf16",
            precision="bf16",
            tolerance=_COARSE,
            needs="bf16",
            devices=DEVICES,
        ),
        Engine(name="torch-export", module="torch_export", compiler=True),
        Engine(
            name="torch-export-bf16",
            module="torch_export",
            variant="bf16",
            precision="bf16",
            tolerance=_COARSE,
            compiler=True,
            needs="bf16",
        ),
        Engine(
            name="onnxruntime",
            module="onnx_runtime",
            packages=("onnxruntime", "onnx"),
            requirements=(_REQUIREMENTS,),
        ),
        Engine(
            name="openvino",
            module="open_vino",
            variant="fp32",
            packages=("openvino",),
            requirements=(_REQUIREMENTS,),
        ),
        Engine(
            name="openvino-bf16",
            module="open_vino",
            variant="bf16",
            precision="bf16",
            tolerance=_COARSE,
            packages=("openvino",),
            requirements=(_REQUIREMENTS,),
            needs="bf16",
        ),
        Engine(
            name="openvino-int8",
            module="open_vino",
            variant="int8",
            precision="int8",
            tolerance=_COARSE,
            packages=("openvino", "nncf"),
            requirements=(_REQUIREMENTS,),
            needs="vnni",
        ),
    )
}


def find_engine(name: str) -> Engine:
    """Return the engine called `name`. Raises ConfigError where there is none."""
    if name not in ENGINES:
        raise ConfigError(
            f"perf/scenarios.toml: engine {name}: no such engine; known: "
            f"{', '.join(ENGINES)}"
        )
    return ENGINES[name]
