"""LitServe (https://lightning.ai/docs/litserve): a server in Python, on FastAPI."""

from __future__ import annotations

from collections.abc import Mapping

from serving.backends.app import AppBackend
from serving.backends.launched import ConfiguredServer
from serving.backends.ready import get_json, get_text
from serving.runtimes.base import REQUIREMENTS


class LitServeServer(ConfiguredServer):
    """One life of LitServe. It ends when a worker dies; none is ever replaced."""

    name = "LitServe"

    def reported(self) -> Mapping[str, int | str] | None:
        """Return the settings that it reports, once every worker is ready."""
        if get_text((self.host, self.port), "/health") != "ok":
            return None
        answer = get_json((self.host, self.port), "/info")
        if not isinstance(answer, dict):
            return None
        return {"workers": answer["server"]["workers_per_device"], **answer["model"]}


class LitServe(AppBackend):
    """Starts LitServe with one model."""

    name = "litserve"
    packages = ("litserve",)
    requirements = (REQUIREMENTS, "requirements-litserve.txt")
    app = "litserve_app.py"
    server = LitServeServer
