"""Make `import torchvision` work beside a CPU-only torch.

The package index carries torchvision in its CUDA-linked build alone. Beside a torch
without CUDA its compiled library does not load, so the schemas of two operators are
missing and the import ends with "operator torchvision::nms does not exist". Models,
weights and transforms call neither, so declaring the schemas is enough.

The file also travels inside the model archive: it imports nothing of this project.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None


def _compiled_library_loads() -> bool:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # the import itself gives the better message
    compiled = Path(spec.origin).with_name("_C.so")
    if not compiled.exists():
        return False
    try:
        torch.ops.load_library(str(compiled))
    except OSError:
        return False
    return True


def declare_missing_operators() -> None:
    """Declare torchvision's operators where its compiled library cannot load.

    Does nothing where the library loads, or when called again.
    """
    global _library  # noqa: PLW0603 -- torch drops the schemas with the object
    if _library is not None or _compiled_library_loads():
        return
    _library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        _library.define(schema)


declare_missing_operators()
