"""Fixtures: a Docker engine, a small image, and runtimes that must leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from perf.machine.lock import session_name
from serving.errors import ConfigError, ServerError
from serving.runtimes.docker import DockerRuntime
from serving.runtimes.image import ImageSource, base_id
from tests.support.docker_engine import (
    BASE,
    TEST_REPOSITORY,
    Runtimes,
    containers,
    small_image,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    """Return a client of the Docker engine.

    Without an engine or the base image, skip; with PERF_REQUIRE_DOCKER=1, fail.
    """
    try:
        DockerRuntime.require_engine()
        with contextlib.closing(docker.from_env(timeout=30)) as client:
            base_id(client, BASE)
    except (ConfigError, ServerError) as missing:
        if os.environ.get("PERF_REQUIRE_DOCKER") == "1":
            pytest.fail(f"PERF_REQUIRE_DOCKER=1, but {missing}")
        pytest.skip(str(missing))
    with contextlib.closing(docker.from_env(timeout=30)) as client:
        yield client


@pytest.fixture(scope="module")
def small_source(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ImageSource]:
    """Return the source of an image that takes a second to build; remove it at the end."""
    source = small_image(tmp_path_factory.mktemp("small"))
    yield source
    for built in engine.images.list(TEST_REPOSITORY):
        for tag in built.tags:
            if tag.startswith(f"{TEST_REPOSITORY}:"):
                engine.images.remove(tag)


@pytest.fixture
def runtimes(
    engine: docker.DockerClient,
    small_source: ImageSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Runtimes]:
    """Make runtimes of one session, and assert at the end that nothing of it is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    session = session_name()  # other runs on this machine must see it as alive

    def make(**options: Any) -> DockerRuntime:  # noqa: ANN401 -- passed on to DockerRuntime unchanged
        runtime = DockerRuntime(session, **options)
        runtime._source = small_source
        return runtime

    yield make
    left = containers(engine, session)
    for container in left:
        engine.api.remove_container(container["Id"], force=True)
    assert left == []
    assert list(folder.iterdir()) == []
