"""The backends that a row of the table can name."""

from __future__ import annotations

from collections.abc import Mapping

from serving.backends.base import Backend
from serving.backends.litserve import LitServe
from serving.backends.ray_serve import RayServe
from serving.backends.torchserve import TorchServe
from serving.backends.triton import Triton
from serving.errors import ConfigError

_ALL: tuple[Backend, ...] = (
    TorchServe(),
    LitServe(),
    RayServe(),
    Triton(),
)
BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in _ALL}


def find_backend(name: str) -> Backend:
    """Return the backend called `name`. Raises ConfigError where there is none."""
    if name not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise ConfigError(
            f"perf/scenarios.toml: backend {name}: no such backend; known: {known}"
        )
    return BACKENDS[name]
