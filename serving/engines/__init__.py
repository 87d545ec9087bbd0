"""The engines that a row of the table can name: what computes a model, whoever serves it.

A scenario chooses its engine, and any backend runs it. Each engine is a file of this
folder that stands alone, because it travels to where the server runs, and offers

    convert(checkpoint, variant, calibration, folder)
    load(folder, variant, threads, device) -> Predict

The first writes into an empty `folder` what the second reads there. `calibration` are
pictures, float32 of shape (n, 3, h, w); `Predict` takes such a batch and returns its
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

Pictures = NDArray[np.float32]
Predict = Callable[[Pictures], Pictures]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One way to compute a model.

    `module` is its file in this folder, `variant` what that file is told. `packages` are
    what it needs beside torch, to convert or to run, `compiler` that converting takes one
    for C++, `needs` the instruction set that its `precision` takes on a CPU. It computes on
    `devices`. `tolerance` is how far apart two of its answers may be, as a probability: the
    answer of a batch, and that of the same picture alone.
    """

    name: str
    module: str
    variant: str = ""
    precision: str = "fp32"
    packages: tuple[str, ...] = ()
    compiler: bool = False
    needs: str | None = None
    devices: tuple[Device, ...] = ("cpu",)
    tolerance: float = 1e-3

    @property
    def source(self) -> Path:
        """The file that travels with the model."""
        return _FOLDER / f"{self.module}.py"

    @property
    def requirements(self) -> tuple[str, ...]:
        """The lists of packages that it takes to run, as a `Program` names them."""
        return ("requirements-engines.txt",) if self.packages else ()

    @property
    def exact(self) -> bool:
        """Whether its answers are the checkpoint's own, to within rounding."""
        return self.precision == "fp32"

    def refusal(self, instruction_sets: Collection[str], device: Device = "cpu") -> str:
        """Return why `device` cannot run it, or nothing where it can.

        `instruction_sets` are the CPU's.
        """
        if device not in self.devices:
            return f"engine {self.name} computes on the {' or '.join(self.devices)} alone"
        if self.compiler and not shutil.which(compiler := os.environ.get("CXX", "g++")):
            return f"engine {self.name} needs a C++ compiler; {compiler} is not on PATH"
        if device != "cpu" or self.needs is None or self.needs in instruction_sets:
            return ""
        known = ", ".join(instruction_sets) or "none that is known"
        return f"engine {self.name} needs {self.needs}; this CPU has {known}"

    def convert(self, checkpoint: Path, calibration: Pictures, folder: Path) -> None:
        """Write the model as `load` reads it; raises what the engine raises."""
        self._imported().convert(checkpoint, self.variant, calibration, folder)

    def load(self, folder: Path, threads: int, device: Device = "cpu") -> Predict:
        """Return the model, to be run in this process."""
        loaded: Predict = self._imported().load(folder, self.variant, threads, device)
        return loaded

    def _imported(self) -> Any:  # noqa: ANN401 -- a module: what it offers stands above
        return importlib.import_module(f"{__name__}.{self.module}")


DEFAULT = "torchscript"
_COARSE = 0.02
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
        Engine(name="onnxruntime", module="onnx_runtime", packages=("onnxruntime", "onnx")),
        Engine(name="openvino", module="open_vino", variant="fp32", packages=("openvino",)),
        Engine(
            name="openvino-bf16",
            module="open_vino",
            variant="bf16",
            precision="bf16",
            tolerance=_COARSE,
            packages=("openvino",),
            needs="bf16",
        ),
        Engine(
            name="openvino-int8",
            module="open_vino",
            variant="int8",
            precision="int8",
            tolerance=_COARSE,
            packages=("openvino", "nncf"),
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
