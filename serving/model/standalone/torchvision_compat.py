"""Make `import torchvision` work beside a CPU-only torch.

The package index has torchvision only in its CUDA build. Beside a torch without CUDA its
compiled library does not load. The schemas of two operators are then missing, and the
import fails with "operator torchvision::nms does not exist". Models, weights and transforms
call neither operator, so declaring the schemas is enough.
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
        return True  # the import itself gives a better message
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

    Does nothing where the library loads, or when it is called again.
    """
    global _library  # noqa: PLW0603 -- torch keeps the schemas while this object lives
    if _library is not None or _compiled_library_loads():
        return
    _library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        _library.define(schema)


declare_missing_operators()
