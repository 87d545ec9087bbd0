"""The key of a cached model covers every source file and package that makes it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import serving.model
from serving.model.artifacts import PACKAGES, TRAINED_PACKAGES
from serving.model.sources import digests_of_sources, imported_names

_ROOM = Path(serving.model.__file__).parent
_MAKERS = ("serving.model.checkpoint", "serving.model.convert")
# Only TorchServe imports the handlers; here they are only copied.
_COPIED = {"standalone/handler.py", "standalone/engine_handler.py"}
# Prints the files of serving.model that Python has imported.
_IMPORTED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
files = [m.__file__ for n, m in sys.modules.items() if n.startswith("serving.model.")]
print(json.dumps(files))
"""


@pytest.mark.slow(reason="imports torch")
@pytest.mark.parametrize("maker", _MAKERS)
def test_sources_are_those_that_python_imports(maker: str) -> None:
    """No module that Python loads is missing; only the copied files are added."""
    told = subprocess.check_output([sys.executable, "-c", _IMPORTED, maker])
    loaded = {
        str(Path(file).relative_to(_ROOM))
        for file in json.loads(told)
        if not file.endswith("__init__.py")
    }
    found = digests_of_sources(maker).keys() - {"standalone/__init__.py"}
    assert loaded <= found
    assert all(name.startswith("standalone/") for name in found - loaded)
    assert found >= _COPIED


def test_a_file_that_makes_nothing_is_no_source() -> None:
    """The cache's own code may change without every model being built again."""
    assert not {"cache.py", "artifacts.py", "build.py"} & {
        name for maker in _MAKERS for name in digests_of_sources(maker)
    }


@pytest.mark.parametrize("maker", _MAKERS)
def test_packages_of_the_key_are_those_that_are_imported(maker: str) -> None:
    """Each package that the sources import is in the key with its version."""
    distributions = metadata.packages_distributions()
    imported = {
        distribution
        for file in digests_of_sources(maker).keys() - _COPIED
        for name in imported_names(_ROOM / file)
        for distribution in distributions.get(name.partition(".")[0], ())
    }
    assert imported <= {*PACKAGES, *TRAINED_PACKAGES}
