"""Find the classes that belong in a registry, so that a forgotten line is noticed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType


def named_classes_in(package: ModuleType) -> dict[str, type]:
    """Return the classes that a package's files define with a `name`, by that name."""
    found: dict[str, type] = {}
    for file in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{file.name}")
        for _, one in inspect.getmembers(module, inspect.isclass):
            if one.__module__ == module.__name__ and hasattr(one, "name"):
                found[one.name] = one
    return found
