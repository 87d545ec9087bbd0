"""What the tests of the Docker runtime share, except the fixtures."""

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
# Each process has its own: another may run tests at the same time and remove its images.
TEST_REPOSITORY = f"serving-perf/test-{os.getpid()}"

# All that a container needs is Python, at the path that a placement names.
SMALL_DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN mkdir -p /opt/serve/bin && ln -s "$(command -v python3)" /opt/serve/bin/python
"""

Runtimes = Callable[..., DockerRuntime]


def small_image(folder: Path, dockerfile: str = SMALL_DOCKERFILE) -> ImageSource:
    """Write the source of an image without requirements to `folder`, and return it."""
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    (folder / "requirements.txt").write_text("", encoding="utf-8")
    return ImageSource(base=BASE, folder=folder, repository=TEST_REPOSITORY)


def containers(engine: docker.DockerClient, session: str) -> list[Any]:
    """Return the containers of a session, also those that have ended."""
    label = {"label": f"{SESSION_LABEL}={session}"}
    return list(engine.api.containers(all=True, filters=label))
