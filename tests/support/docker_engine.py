"""What the tests of the Docker runtime share, beside the fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker

from serving.runtimes.base import SESSION_LABEL
from serving.runtimes.docker import DockerRuntime
from serving.runtimes.image import DEFAULT_BASE, ImageSource

OWN_BASE = os.environ.get("PERF_DOCKER_BASE")
BASE = OWN_BASE or DEFAULT_BASE
WHEELS = os.environ.get("PERF_DOCKER_WHEELS")
# Of this process alone: another may test at the same time, and remove its own.
TEST_REPOSITORY = f"serving-perf/test-{os.getpid()}"

# Only what a container needs: Python, where a placement says that it is.
SMALL_DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN mkdir -p /opt/serve/bin && ln -s "$(command -v python3)" /opt/serve/bin/python
"""

Runtimes = Callable[..., DockerRuntime]


def small_image(folder: Path, dockerfile: str = SMALL_DOCKERFILE) -> ImageSource:
    """Return the source of an image without requirements, written to `folder`."""
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    (folder / "requirements.txt").write_text("", encoding="utf-8")
    return ImageSource(base=BASE, folder=folder, repository=TEST_REPOSITORY)


def containers(engine: docker.DockerClient, session: str) -> list[Any]:
    """Return the containers of one session, dead ones too."""
    label = {"label": f"{SESSION_LABEL}={session}"}
    return list(engine.api.containers(all=True, filters=label))
