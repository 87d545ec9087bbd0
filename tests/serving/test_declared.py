"""Lists elsewhere have everything that backends and engines need."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

import serving
from serving.backends.app import APPS, AppBackend
from serving.backends.registry import BACKENDS
from serving.declared import packages, registered
from serving.engines import ENGINES
from serving.model.sources import imported_names
from serving.model.standalone import FOLDER
from serving.runtimes.base import REQUIREMENTS

_SERVING = Path(serving.__file__).parent
_ROOT = _SERVING.parent
_FILES = sorted(path.name for path in _SERVING.glob("requirements*.txt"))
_OWN_IMAGE = {
    file
    for backend in BACKENDS.values()
    if backend.base_image
    for file in backend.requirements
}


def _pins(file: str) -> Iterator[str]:
    """Yield the distributions that a requirement file pins, in lower case."""
    for line in (_SERVING / file).read_text("utf-8").splitlines():
        yield line.partition("==")[0].partition("[")[0].lower()


def _converters() -> Iterator[str]:
    """Yield the distributions that only converting needs: a dependency group pins them."""
    groups = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    for line in groups["dependency-groups"]["engines"]:
        if isinstance(line, str):
            yield line.partition("==")[0]


PINNED = {*(name for file in _FILES for name in _pins(file)), *_converters()}


# Reads the files of all installed packages, so once is enough.
_installed = cache(metadata.packages_distributions)


def _imported(path: Path) -> set[str]:
    """Return the pinned distributions that a source file imports.

    One that is not installed is known by the end of its name: nvidia-pytriton has pytriton.
    """
    installed = _installed()
    found: set[str] = set()
    for name in imported_names(path):
        module = name.partition(".")[0]
        found.update(name.lower() for name in installed.get(module, ()))
        found.update(pin for pin in PINNED if pin.split("-")[-1] == module)
    return found & PINNED


@pytest.mark.parametrize(
    "folder", [APPS, _SERVING / "engines", FOLDER], ids=lambda f: f.name
)
def test_every_pinned_package_that_is_imported_is_declared(folder: Path) -> None:
    """A report names the version of whatever a backend or an engine imports."""
    for path in folder.glob("*.py"):
        assert _imported(path) <= set(packages()), path.name


def test_the_packages_of_other_environments_are_found_too() -> None:
    """Ray's is found, and Triton's, which is not installed here."""
    assert _imported(APPS / "ray_app.py") == {"ray"}
    assert "nvidia-pytriton" in _imported(APPS / "triton_app.py")
    assert {"openvino", "nncf"} <= _imported(_SERVING / "engines" / "open_vino.py")


def test_every_declared_package_is_pinned() -> None:
    """A name with a mistake in it would silently be left out of every report."""
    assert set(packages()) <= PINNED | {"torch-model-archiver"}


def test_every_requirement_file_is_declared() -> None:
    """Each file is needed, and each file that is declared exists."""
    declared = {file for one in registered() for file in one.requirements}
    assert sorted(declared) == _FILES


def test_every_requirement_file_is_installed_for_the_tests() -> None:
    """tox.ini's list has all files, except those of servers with an image of their own."""
    tox = configparser.ConfigParser()
    tox.read(_ROOT / "tox.ini")
    named = {
        Path(line.removeprefix("-r ")).name
        for line in tox["every"]["deps"].strip().splitlines()
    }
    assert named == set(_FILES) - _OWN_IMAGE


@pytest.mark.parametrize("file", [file for file in _FILES if file != REQUIREMENTS])
def test_a_file_for_an_own_image_is_complete(file: str) -> None:
    """Such a file pins torch itself: by that .ci/docker downloads its wheels apart."""
    assert ("torch" in _pins(file)) == (file in _OWN_IMAGE)


def test_files_of_engines_are_known_by_their_names() -> None:
    """By these names .ci/docker downloads an engine's wheels for every image."""
    for engine in ENGINES.values():
        for file in engine.requirements:
            assert file.startswith("requirements-engine")


def test_every_program_belongs_to_a_backend() -> None:
    """Each program is one that a backend starts. Only the null server is not registered."""
    apps = {"__init__.py", "null_server.py"}
    for backend in BACKENDS.values():
        if isinstance(backend, AppBackend):
            apps |= {backend.app, *backend.beside}
    assert {path.name for path in APPS.glob("*.py")} == apps


def test_every_engine_file_is_registered() -> None:
    """Each file is one of an engine that a row can name."""
    sources = {engine.source.name for engine in ENGINES.values()}
    found = {path.name for path in (_SERVING / "engines").glob("*.py")}
    assert found - {"__init__.py"} == sources
