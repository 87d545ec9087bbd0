"""LitServe (https://lightning.ai/docs/litserve): a server in Python, over FastAPI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from serving.backends.app import AppBackend
from serving.backends.launched import ConfiguredServer
from serving.backends.ready import get_json, get_text
from serving.runtimes.base import REQUIREMENTS


class LitServeServer(ConfiguredServer):
    """One life of LitServe. A worker that dies ends it: none is ever replaced."""

    name = "LitServe"

    def told(self) -> Mapping[str, int | str] | None:
        """Return what it says of itself, once every worker is ready."""
        if get_text((self.host, self.port), "/health") != "ok":
            return None
        told = get_json((self.host, self.port), "/info")
        if not isinstance(told, dict):
            return None
        return {"workers": told["server"]["workers_per_device"], **told["model"]}


class LitServe(AppBackend):
    """Starts LitServe with one model."""

    name = "litserve"
    app = Path(__file__).with_name("apps") / "litserve_app.py"
    requirements = (REQUIREMENTS, "requirements-litserve.txt")
    server = LitServeServer
